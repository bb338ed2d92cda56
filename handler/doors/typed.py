"""The types of JSON bodies that are a list of inputs and the parameters for them, made per task. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..config import EXPLAINED_TASKS, MAX_INPUTS_PER_REQUEST, Task
from ..errors import UnknownPath
from ..inputs import TASK_INPUTS, describe_input
from ..parameters import TASK_PARAMETERS, ExplanationParameters, Parameters, describe_parameters
from ..payload import check_count
from ..wire import convert


def parameters_of(task: Task, *, explains: bool) -> type[Parameters]:
    """What `parameters` may hold: of the task, or of an explanation of its answers."""
    if not explains:
        return TASK_PARAMETERS[task]
    if task not in EXPLAINED_TASKS:
        raise UnknownPath(
            f"there are explanations of {' and '.join(sorted(EXPLAINED_TASKS))}, and this model's task is {task}: send "
            "predictions to /predictions/{model}"
        )
    return ExplanationParameters


def describe_fields(task: Task, kind: type[Parameters], *, inputs: str, advice: str) -> dict[str, str]:
    """What to send, by the field of a body in which a mistake is: handler.wire.convert's hints."""
    subject = "an explanation" if kind is ExplanationParameters else task
    return {"": advice, inputs: describe_input(task), "parameters": describe_parameters(kind, subject)}


def define_bodies(suffix: str, field: str, *, takes_one: bool) -> dict[tuple[Task, bool], Any]:
    """The types of JSON bodies with a list of inputs (or one) in `field`, by task and whether it explains."""
    bodies = {(task, False): _define_body(task, suffix, field, takes_one, TASK_PARAMETERS[task]) for task in Task}
    for task in sorted(EXPLAINED_TASKS):
        bodies[task, True] = _define_body(task, f"Explanation{suffix}", field, takes_one, ExplanationParameters)
    return bodies


def _define_body(task: Task, suffix: str, field: str, takes_one: bool, kind: type[Parameters]) -> Any:
    one: Any = TASK_INPUTS[task]
    several: Any = Annotated[list[one], Meta(min_length=1, max_length=MAX_INPUTS_PER_REQUEST)]
    has_defaults = not any(each.required for each in msgspec.structs.fields(kind))
    parameters: Any = ("parameters", kind, kind()) if has_defaults else ("parameters", kind)
    return msgspec.defstruct(
        task.title().replace("-", "") + suffix,
        [(field, one | several if takes_one else several), parameters],
        namespace={"__doc__": f"A request of {task}."},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def read_body(value: object, field: str, kind: Any, hints: Mapping[str, str]) -> Any:
    """A JSON body as one of those types. Without `parameters` an error names the one that is needed."""
    if not isinstance(value, dict):
        return convert(value, kind, hints)
    inputs = value.get(field)
    check_count(len(inputs) if isinstance(inputs, list) else 1, f"/{field}")
    return convert({"parameters": {}} | value, kind, hints)
