"""Which door a request came through, and what it asks there."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..config import DEFAULT_MAX_BYTES, Task
from ..errors import InternalError, InvalidInput, RequestError, UnknownPath
from ..payload import Answered, DeepCheck, ModelIdentity, Rejected, Request
from ..vectors.settings import Kind, kinds_of
from ..wire import quote
from . import kserve_v1, native, open_inference
from .advice import Advice
from .binary import json_length, read_binary, read_without_length
from .body import has_explain, is_infer, is_rest, read_deadline_s, read_json, require_bytes
from .call import Call, FormedReply, Reply
from .cohere import embed as cohere_embed
from .cohere import rerank as cohere_rerank
from .hub import inference
from .inflate import inflate
from .openai import classify, embeddings, pooling, score
from .paths import EVERY, INFER, NOT_SERVED, ROOT_PATHS, RootPath
from .tei import embed, info, predict, rerank, similarity, tokens

logger = logging.getLogger(__name__)

IDS = ("x-request-id", "traceparent")
MAX_SIM = "; packed with --task text-ranking the same checkpoint scores texts by MaxSim"
Fields = Mapping[str, object]
Headers = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Door:
    """The way in which one protocol's requests are read, and the reply to one that cannot be read."""

    open_call: Callable[[Fields, Headers, ModelIdentity], Call]
    make_reply: Callable[[ModelIdentity], Reply]


def open_call(
    fields: Fields, headers: Headers, model: ModelIdentity, max_request_bytes: int = DEFAULT_MAX_BYTES
) -> Call:
    """Read one request as TorchServe hands it over: fields by name, and the request's headers. Never raises."""
    is_describe = headers.get("describe") == "True" and not fields  # a client that sends it gets what it asks for
    door = DESCRIBE if is_describe else choose_door(headers)
    try:
        fields = inflate(fields, headers, max_request_bytes)
        return _limit(door.open_call(fields, headers, model), read_deadline_s(headers))
    except RequestError as error:
        rejected = Rejected(error)
    except Exception:  # whatever it is, the neighbours get their answers
        logger.exception("a request could not be read: %s", _ids(headers))
        rejected = Rejected(InternalError("the request could not be read; the server's log says why"))
    return Call(item=rejected, reply=door.make_reply(model))


def _ids(headers: Headers) -> str:
    """The ids by which a request is found in other logs, for a line of this one."""
    return " ".join(f"{name}={value}" for name, value in headers.items() if name.lower() in IDS)


def _limit(call: Call, deadline_s: float) -> Call:
    """Return the call with this deadline, unless it has a sooner one."""
    if not isinstance(call.item, Request) or call.item.deadline_s <= deadline_s:
        return call
    return replace(call, item=replace(call.item, deadline_s=deadline_s))


def choose_door(headers: Headers) -> Door:
    """Choose by what the frontend adds: `url_path`, what follows the version, on all addresses but v1's and v2's."""
    if not has_explain(headers):
        return _choose_unmarked(headers)
    match headers.get("url_path"):
        case None:
            return KSERVE
        case "":
            return NATIVE
        case str() as path if path == INFER:
            return KSERVE
        case str() as path if headers["explain"] != "True":
            return BEHIND.get(path, NOWHERE)
        case _:
            return NOWHERE


def _choose_unmarked(headers: Headers) -> Door:
    """Choose for what the frontend adds nothing to: gRPC, and REST at addresses that are not served."""
    if is_rest(headers):
        return UNSERVED
    return GRPC if is_infer(headers) else NATIVE


def _open_kserve(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    """Read a request of v1 or v2, which only the body tells apart."""
    advice = kserve_v1.advise(model.contract)
    length = json_length(headers)
    value = read_without_length(fields, headers, advice) if length is None else read_binary(fields, length, advice)
    explains = headers["explain"] == "True"
    keys = value if isinstance(value, dict) else ()
    if "instances" in keys or (explains and "inputs" not in keys):
        return kserve_v1.open_call(value, model, explains=explains)
    return open_inference.open_call(value, model, explains=explains)


def _open_metadata(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    if any(fields.values()):
        raise InvalidInput("metadata is asked for without a body: send tensors to /v2/models/{model}/infer")
    return open_inference.open_metadata(model)


def _open_grpc(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    return open_inference.open_grpc_call(require_bytes(fields["body"]), model)


def _check(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    if any(fields.values()):
        raise InvalidInput("a deep check has no body: send predictions to /predictions/{model}")
    return Call(item=DeepCheck(), reply=native.NativeReply())


def _refuse_unserved(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    raise UnknownPath(NOT_SERVED)


def _refuse_path(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    raise UnknownPath(
        f"there is nothing at {quote(headers['url_path'])}: send predictions to /predictions/{{model}}; behind "
        f"/predictions/{{model}}/{{version}}/ there are {', '.join(root.url_path for root in ROOT_PATHS)}"
    )


def _describe(fields: Fields, headers: Headers, model: ModelIdentity) -> Call:
    """Answer TorchServe's describe, asked through the management API: what runs here."""
    facts = {"model": model.name, "version": model.version, "task": model.contract.task, **model.running.describe()}
    labels = {"labels": model.running.labels} if model.running.labels else {}
    heads = {"heads": model.running.heads} if model.running.heads else {}
    config = model.running.config
    prompts = {"prompts": list(config.prompts)} if config.prompts else {}
    vectors = {"vectors": list(config.vectors.kinds)} if config.vectors else {}
    value = {**facts, **labels, **heads, **prompts, **vectors}
    return Call(item=Answered(value, is_users=False), reply=native.NativeReply())


def _open_root(fields: Fields, headers: Headers, model: ModelIdentity, *, root: RootPath) -> Call:
    """Read a request of another protocol, if the model is one that answers there."""
    if root.tasks and model.contract.task not in root.tasks:
        raise UnknownPath(
            f"this model's task is {model.contract.task}, and {root.url_path} is for {' and '.join(root.tasks)}: send "
            f"it to {', '.join(['/predictions/{model}', *_own_places(model)])}"
        )
    open_value, advice = READERS[root.url_path]
    value = read_json(fields, headers, advice) if advice else None
    _check_vectors(root, model)
    return open_value(value, model)


def _check_vectors(root: RootPath, model: ModelIdentity) -> None:
    """Refuse an address for kinds of vectors of which a model of embeddings makes none."""
    if not (root.vectors and model.contract.is_vector):
        return
    kinds = kinds_of(model.running.config.vectors)
    if not set(root.vectors).intersection(kinds):
        wanted = " or ".join(root.vectors)
        scored = MAX_SIM if Task.TEXT_RANKING in root.tasks and Kind.MULTI_VECTOR in kinds else ""
        raise UnknownPath(
            f"this model makes no {wanted} vectors, but {' and '.join(kinds)}, and {root.url_path} is for "
            f"{wanted} ones: send the texts to {', '.join([*_own_places(model), '/predictions/{model}'])}{scored}"
        )


def _own_places(model: ModelIdentity) -> list[str]:
    """Return the addresses at which this model answers, without those at which every model does."""
    places = [each for each in ROOT_PATHS if model.contract.task in each.tasks and each.tasks != EVERY]
    if model.contract.is_vector:
        kinds = set(kinds_of(model.running.config.vectors))
        places = [each for each in places if not each.vectors or kinds.intersection(each.vectors)]
    return [each.url_path for each in places]


NATIVE = Door(native.open_call, lambda model: native.NativeReply())
KSERVE = Door(_open_kserve, lambda model: kserve_v1.InstancesReply())
GRPC = Door(_open_grpc, lambda model: open_inference.TensorReply(model=model, id="", is_grpc=True))
METADATA = Door(_open_metadata, lambda model: open_inference.TensorReply(model=model))
CHECK = Door(_check, lambda model: native.NativeReply())
DESCRIBE = Door(_describe, lambda model: native.NativeReply())
NOWHERE = Door(_refuse_path, lambda model: native.NativeReply())
UNSERVED = Door(_refuse_unserved, lambda model: native.NativeReply())
# Who reads the JSON of each address, and what to send instead of what is none; None where a body says nothing.
READERS: Mapping[str, tuple[Callable[[object, ModelIdentity], Call], Advice | None]] = {
    "hf": (inference.open_call, inference.ADVICE),
    "v1/embeddings": (embeddings.open_call, embeddings.ADVICE),
    "embed": (embed.open_call, embed.ADVICE),
    "embed_sparse": (embed.open_sparse, embed.ADVICE),
    "embed_all": (embed.open_all, embed.ADVICE),
    "similarity": (similarity.open_call, similarity.ADVICE),
    "predict": (predict.open_call, predict.ADVICE),
    "rerank": (rerank.open_call, rerank.ADVICE),
    "tokenize": (tokens.tokenize, tokens.TOKENIZE),
    "decode": (tokens.decode, tokens.DECODE),
    "info": (info.open_call, None),
    "v1/rerank": (partial(cohere_rerank.open_call, version=1), cohere_rerank.ADVICE),
    "v2/rerank": (partial(cohere_rerank.open_call, version=2), cohere_rerank.ADVICE),
    "v1/embed": (partial(cohere_embed.open_call, version=1), cohere_embed.ADVICE),
    "v2/embed": (partial(cohere_embed.open_call, version=2), cohere_embed.ADVICE),
    "classify": (classify.open_call, classify.ADVICE),
    "score": (score.open_call, score.ADVICE),
    "v1/score": (score.open_call, score.ADVICE),
    "pooling": (pooling.open_call, pooling.ADVICE),
}


def _make_root(root: RootPath) -> Door:
    return Door(partial(_open_root, root=root), lambda model: FormedReply(form=root.form))


ROOTS = {root.url_path: _make_root(root) for root in ROOT_PATHS}
BEHIND = {**ROOTS, "v2": METADATA, "check": CHECK}
