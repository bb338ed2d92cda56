"""POST v1/rerank and v2/rerank: documents by how well they answer a query; Jina's and vLLM's is the same."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta

from ...config import MAX_TEXTS_PER_REQUEST
from ...errors import InvalidInput
from ...inputs import TextInput, check_count
from ...parameters import Count
from ...payload import ModelIdentity, Prediction, Request
from ...wire import convert, quote
from ..advice import advise_json
from ..call import Call, FormedReply, count_tokens, count_usage, only_value, set_parameters
from ..paths import Form
from .warn import warn_of_cut_documents

EXAMPLE = '{"query": "your query", "documents": ["your text", "another"]}'
ADVICE = advise_json(EXAMPLE)
TEXT = ("text",)
DOCUMENTS_PER_UNIT = 100  # Cohere's search unit is one query with up to 100 documents


class CohereRerankRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of Cohere's, Jina's or vLLM's rerank."""

    query: str
    documents: Annotated[
        list[str | dict[str, Any]],
        Meta(min_length=1, description=f"At most {MAX_TEXTS_PER_REQUEST} texts, or objects with the string `text`."),
    ]
    model: str | None = None
    """Ignored where the address names the model."""
    top_n: Count | None = None
    """How many of the documents to return. Absent: all."""
    return_documents: bool = False
    """Whether each result has its document."""
    rank_fields: Annotated[list[str], Meta(min_length=1)] | None = None
    """Keys of documents that are objects, whose texts are read one after the other, a line each. Absent: `text`."""
    max_chunks_per_doc: Count | None = None
    """Ignored: a document is read once, and cut where it is longer than the model takes."""
    max_tokens_per_doc: Count | None = None
    """Ignored: a document is cut where it is longer than the model takes."""


def open_call(value: object, model: ModelIdentity, *, form: Form = Form.COHERE, version: int = 1) -> Call:
    """Read a request with `documents`; RequestError says what is wrong with it."""
    body = convert(value, CohereRerankRequest, {"": f"send {EXAMPLE}"})
    check_count(len(body.documents), "/documents", MAX_TEXTS_PER_REQUEST)
    fields = body.rank_fields or TEXT
    texts = [_read_document(each, fields, f"/documents/{place}") for place, each in enumerate(body.documents)]
    source = TextInput(text=body.query, texts=tuple(texts), param="/documents")
    parameters = set_parameters(model.contract, top_k=body.top_n)
    documents = [{"text": each} if isinstance(each, str) else each for each in body.documents]
    make = partial(_lay_out, documents=documents, returns=body.return_documents, model=model.name, version=str(version))
    request = Request(inputs=(source,), parameters=parameters, param="/documents")
    return Call(item=request, reply=FormedReply(form=form, make=make))


def _read_document(document: str | dict[str, Any], fields: Sequence[str], pointer: str) -> str:
    """Return what the model reads of a document."""
    if isinstance(document, str):
        return document
    for name in fields:
        if not isinstance(document.get(name), str):
            raise InvalidInput(
                f"{pointer[1:].replace('/', '.')}: the document has no string {quote(name)}: send it as a string, or "
                "name the keys to read in rank_fields",
                pointer,
            )
    return "\n".join(document[name] for name in fields)


def _lay_out(
    predictions: Sequence[Prediction],
    *,
    documents: Sequence[Mapping[str, Any]],
    returns: bool,
    model: str,
    version: str,
) -> dict[str, object]:
    ranks: Any = only_value(predictions)
    results = [{"index": rank["index"], "relevance_score": rank["score"]} for rank in ranks]
    if returns:
        results = [{**result, "document": documents[result["index"]]} for result in results]
    num_units = -(-len(documents) // DOCUMENTS_PER_UNIT)
    return {
        "id": str(uuid4()),
        "model": model,
        "results": results,
        "meta": {
            "api_version": {"version": version},
            "billed_units": {"search_units": num_units},
            "tokens": {"input_tokens": count_tokens(predictions)},
            **warn_of_cut_documents(predictions),
        },
        "usage": count_usage(predictions),
    }
