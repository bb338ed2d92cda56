"""Which door a request came through, and what it asks there."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..errors import InternalError, InvalidInput, RequestError, UnknownPath
from ..payload import DeepCheck, Describe, ModelIdentity, Rejected, Request
from ..wire import quote
from . import kserve_v1, native, open_inference, openai
from .binary import json_length, read_binary
from .body import is_infer, is_rest, read_deadline_s, read_json, require_bytes
from .call import Call, Reply

logger = logging.getLogger(__name__)

Fields = Mapping[str, object]
Headers = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Door:
    """The way in which one protocol's requests are read, and the reply to one that cannot be read."""

    open_call: Callable[[Fields, Headers, ModelIdentity], Call]
    make_reply: Callable[[ModelIdentity], Reply]


def open_call(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    """Read one request as TorchServe hands it over: fields by name, and the request's headers. Never raises."""
    if headers.get("describe") == "True" and not fields:  # a client that sends this header gets what it asks for
        return Call(item=Describe(), reply=native.NativeReply())
    door = choose_door(headers)
    try:
        return _limit(door.open_call(fields, headers, model), read_deadline_s(headers))
    except RequestError as error:
        rejected = Rejected(error)
    except Exception:  # whatever it is, the neighbours get their answers
        logger.exception("a request could not be read")
        rejected = Rejected(InternalError("the request could not be read; the server's log says why"))
    return Call(item=rejected, reply=door.make_reply(model))


def _limit(call: Call, deadline_s: float) -> Call:
    """Return the call with this deadline, unless it has a sooner one."""
    if not isinstance(call.item, Request) or call.item.deadline_s <= deadline_s:
        return call
    return replace(call, item=replace(call.item, deadline_s=deadline_s))


def choose_door(headers: Headers) -> Door:
    """Choose by what the frontend adds: `url_path`, what follows the version, on all addresses but v1's and v2's."""
    if not is_rest(headers):
        return GRPC if is_infer(headers) else NATIVE
    match headers.get("url_path"):
        case None:
            return KSERVE
        case "":
            return NATIVE
        case "check" if headers["explain"] != "True":
            return CHECK
        case "v1/embeddings" if headers["explain"] != "True":
            return OPENAI
        case _:
            return NOWHERE


def _open_kserve(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    """Read a request of v1 or v2, which only the body tells apart."""
    advice = kserve_v1.advise(model.contract)
    length = json_length(headers)
    value = read_json(fields, headers, advice) if length is None else read_binary(fields, length, advice)
    explains = headers["explain"] == "True"
    if explains or (isinstance(value, dict) and "instances" in value):
        return kserve_v1.open_call(value, model, explains=explains)
    return open_inference.open_call(value, model)


def _open_openai(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    return openai.open_call(read_json(fields, headers, openai.ADVICE), model)


def _open_grpc(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    return open_inference.open_grpc_call(require_bytes(fields["body"]), model)


def _check(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    if any(fields.values()):
        raise InvalidInput("a deep check has no body: send predictions to /predictions/{model}")
    return Call(item=DeepCheck(), reply=native.NativeReply())


def _refuse_path(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    raise UnknownPath(
        f"there is nothing at {quote(headers['url_path'])}: send predictions to /predictions/{{model}}, OpenAI's "
        "embeddings to /predictions/{model}/{version}/v1/embeddings"
    )


NATIVE = Door(native.open_call, lambda model: native.NativeReply())
KSERVE = Door(_open_kserve, lambda model: kserve_v1.InstancesReply())
OPENAI = Door(_open_openai, lambda model: openai.EmbeddingsReply())
GRPC = Door(_open_grpc, lambda model: open_inference.TensorReply(model=model, id="", is_grpc=True))
CHECK = Door(_check, lambda model: native.NativeReply())
NOWHERE = Door(_refuse_path, lambda model: native.NativeReply())
