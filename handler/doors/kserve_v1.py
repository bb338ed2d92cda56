"""KServe's v1 door: POST /v1/models/{model}:predict and :explain, `instances` in, `predictions` out."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RequestError
from ..payload import ModelIdentity, Prediction, Request, Response, to_text_inputs
from .call import Call, count_headers, encode_error, format_value, refuse
from .typed import define_bodies, describe_fields, parameters_of, read_body

BODIES = define_bodies("Instances", "instances", takes_one=False)


@dataclass(frozen=True, slots=True)
class InstancesReply:
    """A list of results under the key that the verb calls for."""

    key: str = "predictions"

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """200: results in order."""
        return format_value({self.key: [each.value for each in predictions]}, count_headers(predictions))

    def format_error(self, error: RequestError) -> Response:
        """The contract's object, and the message as `error`, which clients of KServe read."""
        return refuse(error, {**encode_error(error), "error": error.message})


def open_call(value: object, served: ModelIdentity, *, explains: bool) -> Call:
    """A request with `instances`; RequestError says what is wrong with it."""
    kind = parameters_of(served.task, explains=explains)
    hints = describe_fields(served.task, kind, inputs="instances", advice='send {"instances": ["your text"]}')
    body = read_body(value, "instances", BODIES[served.task, explains], hints)
    inputs = to_text_inputs(body.instances, "/instances")
    request = Request(inputs=inputs, parameters=body.parameters, param="/instances")
    return Call(item=request, reply=InstancesReply("explanations" if explains else "predictions"))
