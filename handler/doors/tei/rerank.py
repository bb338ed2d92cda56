"""POST rerank: texts by how well they answer a query, best first."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from msgspec import Meta

from ...config import MAX_TEXTS_PER_REQUEST, ScoreFunction
from ...inputs import TextInput, check_count
from ...parameters import Count
from ...payload import ModelIdentity, Prediction, Request
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, only_value, set_parameters
from ..cohere.rerank import open_call as rerank_documents
from ..paths import Form
from .truncating import HINTS, WORDS, Truncating

EXAMPLE = '{"query": "your query", "texts": ["your text", "another"]}'
ADVICE = advise_json(EXAMPLE)


class RerankRequest(Truncating, frozen=True, kw_only=True):
    """A request of TEI's rerank."""

    query: str
    texts: Annotated[list[str], Meta(min_length=1, description=f"At most {MAX_TEXTS_PER_REQUEST}.")]
    raw_scores: bool = False
    """The model's own numbers. false: their sigmoid, as in TEI, whatever the checkpoint makes of them elsewhere."""
    return_text: bool = False
    """Whether each rank has its text."""
    top_n: Count | None = None
    """How many of the texts to return; LiteLLM sends it. Absent: all."""


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with `texts`, or vLLM's and Infinity's with `documents`; RequestError says what is wrong."""
    if isinstance(value, dict) and "documents" in value:
        return rerank_documents(value, model, form=Form.TEI)
    body = convert(value, RerankRequest, {"": f"send {EXAMPLE}", **HINTS})
    check_count(len(body.texts), "/texts", MAX_TEXTS_PER_REQUEST)
    function = ScoreFunction.NONE if body.raw_scores else ScoreFunction.SIGMOID
    parameters = set_parameters(model.contract, top_k=body.top_n, function_to_apply=function, **body.cut())
    source = TextInput(text=body.query, texts=tuple(body.texts), param="/texts")
    make = partial(_lay_out, texts=body.texts) if body.return_text else only_value
    reply = FormedReply(form=Form.TEI, make=make, words=WORDS)
    return Call(item=Request(inputs=(source,), parameters=parameters, param="/texts"), reply=reply)


def _lay_out(predictions: Sequence[Prediction], texts: Sequence[str]) -> list[dict[str, object]]:
    ranks: Any = only_value(predictions)
    return [{"index": rank["index"], "text": texts[rank["index"]], "score": rank["score"]} for rank in ranks]
