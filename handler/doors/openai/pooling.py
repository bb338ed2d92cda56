"""vLLM's pooling: POST pooling, of each text the vector that a model of embeddings makes, or those of its tokens."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from ...config import MAX_INPUTS_PER_REQUEST
from ...errors import InvalidParameter
from ...parameters import EncodingFormat
from ...payload import ModelIdentity, Prediction, Request
from ...vectors.settings import Kind, kinds_of
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, set_parameters
from ..paths import Form
from .completion import lay_out
from .embeddings import SEND_INPUT, TokenId, TokenIds, check_inputs, read_inputs

ADVICE = advise_json('{"input": "your text"}', '{"input": ["your text", "another"]}')
HINTS = {
    "": SEND_INPUT,
    "task": "it must be embed or token_embed",
    "encoding_format": "it must be float or base64",
}


class PoolingTask(StrEnum):
    """What vLLM calls the kinds of vectors; of sparse ones it has plug-ins, each with its own form."""

    VECTOR = "embed"
    TOKENS = "token_embed"


KINDS = {PoolingTask.VECTOR: Kind.DENSE, PoolingTask.TOKENS: Kind.MULTI_VECTOR}


class PoolingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of vLLM's pooling."""

    input: Annotated[
        str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)],
        Meta(description=f"One text, at most {MAX_INPUTS_PER_REQUEST} texts, or the model's own token ids for texts."),
    ]
    model: str | None = None
    """Ignored where the address names the model."""
    user: str | None = None
    """Ignored."""
    task: PoolingTask | None = None
    """embed: the vector of a text. token_embed: those of its tokens. Absent: the first of them that the model makes."""
    encoding_format: EncodingFormat = EncodingFormat.FLOAT
    """base64: the bytes of little-endian float32, of all tokens in one string."""


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with `input`; RequestError says what is wrong with it."""
    check_inputs(value, "input")
    body = convert(value, PoolingRequest, HINTS)
    parameters = set_parameters(model.contract, vectors=_choose_kind(body.task, model))
    request = Request(inputs=read_inputs(body.input, "input", SEND_INPUT), parameters=parameters, param="/input")
    reply = FormedReply(form=Form.OPENAI, make=lambda found: _lay_out(found, model, body.encoding_format))
    return Call(item=request, reply=reply)


def _choose_kind(task: PoolingTask | None, model: ModelIdentity) -> Kind:
    """Return the kind of vectors that is asked for; InvalidParameter where the model does not make it."""
    made = kinds_of(model.running.config.vectors)
    tasks = [each for each, kind in KINDS.items() if kind in made]
    if task not in (None, *tasks):
        raise InvalidParameter(f"task is {task}, and this model has {' and '.join(tasks)}: send that", "/task")
    return KINDS[task or tasks[0]]


def _lay_out(predictions: Sequence[Prediction], model: ModelIdentity, encoding: EncodingFormat) -> dict[str, object]:
    data = [{"object": "pooling", "data": _write(prediction.value, encoding)} for prediction in predictions]
    return lay_out("pool", model.name, data, predictions)


def _write(vector: object, encoding: EncodingFormat) -> object:
    """Return numbers as they are, or their bytes, which are written in base64."""
    return vector if encoding is EncodingFormat.FLOAT else np.asarray(vector).astype("<f4", copy=False).tobytes()
