"""POST embed: a list of vectors; embed_sparse, of sparse ones; embed_all, of lists of vectors, one for each token."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from ...config import MAX_INPUTS_PER_REQUEST
from ...parameters import Count
from ...payload import ModelIdentity, Prediction, Request
from ...vectors.settings import Kind
from ...vectors.sparse import SparseList
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, set_parameters
from ..openai.embeddings import TokenId, TokenIds, check_inputs, read_inputs
from ..paths import Form
from .truncating import HINTS, WORDS, Truncating

EXAMPLES = ('{"inputs": "your text"}', '{"inputs": ["your text", "another"]}')
ADVICE = advise_json(*EXAMPLES)
SEND_INPUTS = f"send {EXAMPLES[1]}, or token ids of the model's own tokenizer"


class TextsRequest(Truncating, frozen=True, kw_only=True):
    """What TEI's embed, embed_sparse and embed_all share."""

    inputs: Annotated[
        str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)],
        Meta(description=f"One text, at most {MAX_INPUTS_PER_REQUEST} texts, or the model's own token ids for texts."),
    ]
    prompt_name: str | None = None
    """Which of the checkpoint's prompts goes before each text. Absent: its default, if it has one."""


class EmbedRequest(TextsRequest, frozen=True, kw_only=True):
    """A request of TEI's embed."""

    normalize: bool = True
    """Vectors of length 1. false: as long as the model makes them."""
    dimensions: Count | None = None
    """Keep that many values of each vector."""


def open_call(value: object, model: ModelIdentity, kind: type[EmbedRequest] = EmbedRequest) -> Call:
    """Read a request with `inputs`, of TEI or of who adds to it; RequestError says what is wrong with it."""
    check_inputs(value, "inputs")
    body: EmbedRequest = convert(value, kind, {"": SEND_INPUTS, **HINTS})
    own = {"normalize": body.normalize, "dimensions": body.dimensions}
    return _open(body, model, Kind.DENSE, FormedReply(form=Form.TEI, words=WORDS), **own)


def open_sparse(value: object, model: ModelIdentity) -> Call:
    """Read a request for sparse vectors: of each text a list of words, by their ids, with their weights."""
    check_inputs(value, "inputs")
    body = convert(value, TextsRequest, {"": SEND_INPUTS, **HINTS})
    return _open(body, model, Kind.SPARSE, FormedReply(form=Form.TEI, make=_list_words, words=WORDS))


def _list_words(predictions: Sequence[Prediction]) -> list[SparseList]:
    values: list[Any] = [prediction.value for prediction in predictions]
    return [SparseList(value) for value in values]


def _open(body: TextsRequest, model: ModelIdentity, kind: Kind, reply: FormedReply, **own: object) -> Call:
    parameters = set_parameters(model.contract, vectors=kind, prompt_name=body.prompt_name, **own, **body.cut())
    request = Request(inputs=read_inputs(body.inputs, "inputs", SEND_INPUTS), parameters=parameters)
    return Call(item=request, reply=reply)


def open_all(value: object, model: ModelIdentity) -> Call:
    """Read a request for the vectors of tokens."""
    check_inputs(value, "inputs")
    body = convert(value, TextsRequest, {"": SEND_INPUTS, **HINTS})
    return _open(body, model, Kind.MULTI_VECTOR, FormedReply(form=Form.TEI, words=WORDS))
