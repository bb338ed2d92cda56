"""The types of JSON bodies that are a list of inputs and the parameters for them, made per task. Pure."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..config import MAX_INPUTS_PER_REQUEST
from ..contract import Contract
from ..errors import UnknownPath
from ..inputs import check_count
from ..parameters import ExplanationParameters, Parameters, describe_parameters
from ..wire import convert
from .advice import example_body


def parameters_of(contract: Contract, *, explains: bool) -> type[Parameters]:
    """Return the type of `parameters`: the task's, or that of an explanation of its answers."""
    if not explains:
        return contract.parameters
    if not contract.is_explained:
        raise UnknownPath(
            f"this model's task is {contract.task}, and only question-answering and text-classification have "
            "explanations: send predictions to /predictions/{model}"
        )
    return ExplanationParameters


@cache
def describe_fields(
    contract: Contract, kind: type[Parameters], *, inputs: str, is_list: bool = False
) -> Mapping[str, str]:
    """Return what to send, by the field of a body in which a mistake is: the hints of handler.wire.convert."""
    subject = "an explanation" if kind is ExplanationParameters else contract.task
    example = example_body(contract, inputs, is_list=is_list)
    whole = f"a request has the keys {inputs} and parameters: send {example}"
    return {"": whole, inputs: contract.describe_input(), "parameters": describe_parameters(kind, subject)}


@cache
def body_type(contract: Contract, field: str, suffix: str, *, explains: bool, takes_one: bool) -> Any:
    """Make the type of a JSON body with a list of inputs (or one) in `field`, named after its task and `suffix`."""
    kind = ExplanationParameters if explains else contract.parameters
    one: Any = contract.inputs
    several: Any = Annotated[list[one], Meta(min_length=1, max_length=MAX_INPUTS_PER_REQUEST)]
    has_defaults = not any(each.required for each in msgspec.structs.fields(kind))
    parameters: Any = ("parameters", kind, kind()) if has_defaults else ("parameters", kind)
    return msgspec.defstruct(
        f"{contract.task.title().replace('-', '')}{'Explanation' if explains else ''}{suffix}",
        [(field, one | several if takes_one else several), parameters],
        namespace={"__doc__": f"A request of {contract.task}."},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def read_body(value: object, field: str, kind: Any, hints: Mapping[str, str]) -> Any:
    """Read a JSON body as one of those types. Without `parameters`, or with null, an error names the one needed."""
    if not isinstance(value, dict):
        return convert(value, kind, hints)
    inputs = value.get(field)
    check_count(len(inputs) if isinstance(inputs, list) else 1, f"/{field}")
    return convert(value if value.get("parameters") is not None else {**value, "parameters": {}}, kind, hints)
