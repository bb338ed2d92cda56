"""One request as a door has read it, and what all doors share in answering. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from ..config import EXPLAINED_TASKS, MAX_INPUTS_PER_REQUEST, Task
from ..errors import RequestError, ResponseTooLarge, UnknownPath
from ..inputs import TASK_INPUTS, describe_input
from ..parameters import TASK_PARAMETERS, ExplanationParameters, Parameters, describe_parameters
from ..payload import Item, Prediction, Response
from ..wire import convert


class Reply(Protocol):
    """How a door writes what became of one of its requests."""

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """200, one result for each input in order."""

    def format_error(self, error: RequestError) -> Response:
        """The error's own status, and the contract's object in the door's own dress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was asked, and how it is answered."""

    item: Item
    reply: Reply


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
    has_defaults = not any(field.required for field in msgspec.structs.fields(kind))
    parameters: Any = ("parameters", kind, kind()) if has_defaults else ("parameters", kind)
    return msgspec.defstruct(
        task.title().replace("-", "") + suffix,
        [(field, one | several if takes_one else several), parameters],
        namespace={"__doc__": f"A request of {task}."},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def read_body(value: object, kind: Any, hints: Mapping[str, str]) -> Any:
    """A JSON body as one of those types. Without `parameters` an error names the one that is needed."""
    return convert({"parameters": {}} | value if isinstance(value, dict) else value, kind, hints)


def count_headers(predictions: Sequence[Prediction]) -> dict[str, str]:
    """What the engine did for a request, as response headers."""
    headers = {"x-compute-tokens": str(count_tokens(predictions))}
    if cut := [str(index) for index, prediction in enumerate(predictions) if prediction.is_truncated]:
        headers["x-truncated"] = ",".join(cut)
    return headers


def count_tokens(predictions: Iterable[Prediction]) -> int:
    """Tokens that the model read for a request."""
    return sum(prediction.num_tokens for prediction in predictions)


def encode_error(error: RequestError) -> dict[str, object]:
    """An error as the contract's object; code is the HTTP status and type the class's name."""
    return {"code": error.status, "type": type(error).__name__, "message": error.message, "param": error.param}


def format_value(value: object, headers: dict[str, str] | None = None) -> Response:
    """200 and any JSON value."""
    return Response(status=200, phrase="OK", body=msgspec.json.encode(value), headers=headers or {})


def refuse(error: RequestError, value: object) -> Response:
    """The error's own status, and `value`."""
    return Response(status=error.status, phrase=error.phrase, body=msgspec.json.encode(value), headers={})


def limit_size(response: Response, reply: Reply, max_bytes: int) -> Response:
    """The response, or an error in its place: TorchServe's frontend kills a worker that answers with more."""
    if len(response.body) <= max_bytes:
        return response
    return reply.format_error(
        ResponseTooLarge(
            f"the answer has {len(response.body)} bytes, more than the server's max_response_size of {max_bytes}: "
            "send fewer inputs in one request"
        )
    )
