"""POST v1/embed and v2/embed: vectors by their type."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, Literal
from uuid import uuid4

import msgspec
import numpy as np
from msgspec import Meta

from ...config import MAX_INPUTS_PER_REQUEST
from ...inputs import check_count, to_text_inputs
from ...parameters import Count, EncodingFormat
from ...payload import ModelIdentity, Prediction, Request
from ...vectors.settings import Kind
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, count_tokens, set_parameters
from ..paths import Form
from .warn import warn_of_cut_texts

EXAMPLE = '{"texts": ["your text", "another"], "input_type": "search_document", "embedding_types": ["float"]}'
ADVICE = advise_json(EXAMPLE)
HINTS = {
    "": f"texts alone are read here: send {EXAMPLE}",
    "embedding_types": "vectors are written as float or base64",
    "truncate": "a text is cut where the model's own tokenizer cuts it, at its end for most: send END, or NONE to have "
    "a longer one refused",
}
WORDS = {
    '"truncation": true to have its end cut': '"truncate": "END" to have its end cut',
    "dimensions is": "output_dimension is",
}


class InputType(StrEnum):
    """What the texts are for."""

    SEARCH_DOCUMENT = "search_document"
    SEARCH_QUERY = "search_query"
    CLASSIFICATION = "classification"
    CLUSTERING = "clustering"


# Names of a checkpoint's prompts, as sentence-transformers looks for them (encode_query, encode_document).
PROMPTS: Mapping[InputType, Sequence[str]] = {
    InputType.SEARCH_DOCUMENT: ("document", "passage", "corpus"),
    InputType.SEARCH_QUERY: ("query",),
    InputType.CLASSIFICATION: ("classification",),
    InputType.CLUSTERING: ("clustering",),
}


class CohereEmbedRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of Cohere's embed."""

    texts: Annotated[list[str], Meta(min_length=1, description=f"At most {MAX_INPUTS_PER_REQUEST}.")]
    model: str | None = None
    """Ignored where the address names the model."""
    input_type: InputType | None = None
    """Chooses a prompt of the checkpoint that is made for it; its default where there is none."""
    embedding_types: Annotated[list[EncodingFormat], Meta(min_length=1)] | None = None
    """base64: the bytes of little-endian float32. Absent: float."""
    output_dimension: Count | None = None
    """Keep that many values of each vector, scaled to length 1 again."""
    truncate: Literal["END", "NONE"] = "END"
    """NONE: a text that is too long is an error."""


def open_call(value: object, model: ModelIdentity, *, version: int = 2) -> Call:
    """Read a request with `texts`; RequestError says what is wrong with it."""
    body = convert(value, CohereEmbedRequest, HINTS)
    check_count(len(body.texts), "/texts")
    parameters = set_parameters(
        model.contract,
        vectors=Kind.DENSE,
        prompt_name=_choose_prompt(body.input_type, model),
        dimensions=body.output_dimension,
        truncation=body.truncate == "END",
    )
    request = Request(inputs=to_text_inputs(body.texts, "/texts"), parameters=parameters, param="/texts")
    make = partial(_lay_out, body=body, version=version)
    return Call(item=request, reply=FormedReply(form=Form.COHERE, make=make, words=WORDS))


def _choose_prompt(input_type: InputType | None, model: ModelIdentity) -> str | None:
    """Return the name of the checkpoint's own prompt for such texts; None where it has none."""
    if input_type is None:
        return None
    return next((name for name in PROMPTS[input_type] if name in model.running.config.prompts), None)


def _lay_out(predictions: Sequence[Prediction], *, body: CohereEmbedRequest, version: int) -> dict[str, object]:
    vectors = [prediction.value for prediction in predictions]
    is_plain = version == 1 and body.embedding_types is None
    kinds = body.embedding_types or [EncodingFormat.FLOAT]
    return {
        "id": str(uuid4()),
        "texts": body.texts,
        "embeddings": vectors if is_plain else {str(kind): WRITERS[kind](vectors) for kind in kinds},
        "meta": {
            "api_version": {"version": str(version)},
            "billed_units": {"input_tokens": count_tokens(predictions)},
            **warn_of_cut_texts(predictions),
        },
        "response_type": "embeddings_floats" if is_plain else "embeddings_by_type",
    }


def _to_bytes(vectors: Sequence[object]) -> list[bytes]:
    """Return the bytes of little-endian float32, which msgspec writes in base64."""
    return [np.asarray(vector).astype("<f4", copy=False).tobytes() for vector in vectors]


WRITERS: Mapping[EncodingFormat, Callable[[Sequence[object]], Sequence[object]]] = {
    EncodingFormat.FLOAT: list,
    EncodingFormat.BASE64: _to_bytes,
}
