"""KServe's v1 door: POST /v1/models/{model}:predict and :explain, `instances` in, `predictions` out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..contract import Contract
from ..errors import RequestError
from ..inputs import to_text_inputs
from ..parameters import EncodingFormat
from ..payload import ModelIdentity, Prediction, Request, Response
from .advice import Advice, advise_json, example_body
from .call import Call, count_headers, encode_error, encoding_of, format_value, refuse, say_truncated
from .typed import body_type, describe_fields, parameters_of, read_body


def body_of(contract: Contract, *, explains: bool) -> Any:
    """Return the type of a request's body."""
    return body_type(contract, "instances", "Instances", explains=explains, takes_one=False)


@cache
def advise(contract: Contract) -> Advice:
    """Make the advice of the address that v1 shares with v2."""
    return advise_json(example_body(contract, "instances", is_list=True))


@dataclass(frozen=True, slots=True)
class InstancesReply:
    """A list of results under the key that the verb calls for."""

    key: str = "predictions"
    encoding: EncodingFormat = EncodingFormat.FLOAT

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """Write a 200 with the results in order."""
        value = {self.key: [each.value for each in predictions], **say_truncated(predictions)}
        return format_value(value, count_headers(predictions), self.encoding)

    def format_error(self, error: RequestError) -> Response:
        """Write the error object, and its message as `error` too, which clients of KServe read."""
        return refuse(error, {**encode_error(error), "error": error.message})


def _unwrap(value: object) -> object:
    """Take texts out of `{"data": TEXT}`, in which TorchServe's examples for KServe send them."""
    if not isinstance(value, dict) or not isinstance(value.get("instances"), list):
        return value
    return {**value, "instances": [_bare(each) for each in value["instances"]]}


def _bare(instance: object) -> object:
    match instance:
        case {"data": str(text), **rest} if not rest:
            return text
        case _:
            return instance


def open_call(value: object, model: ModelIdentity, *, explains: bool) -> Call:
    """Read a request with `instances`; RequestError says what is wrong with it."""
    kind = parameters_of(model.contract, explains=explains)
    hints = describe_fields(model.contract, kind, inputs="instances", is_list=True)
    body = read_body(_unwrap(value), "instances", body_of(model.contract, explains=explains), hints)
    inputs = to_text_inputs(body.instances, "/instances")
    request = Request(inputs=inputs, parameters=body.parameters, param="/instances")
    reply = InstancesReply("explanations" if explains else "predictions", encoding_of(body.parameters))
    return Call(item=request, reply=reply)
