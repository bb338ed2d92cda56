"""Vectors of other kinds than dense ones, at the doors: what is asked for, and how each protocol writes it."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from handler.config import HandlerConfig, Task
from handler.doors.call import format_value
from handler.doors.open_inference import open_metadata
from handler.doors.route import open_call
from handler.errors import InvalidParameter
from handler.parameters import EncodingFormat
from handler.payload import Answered, ModelIdentity, Request
from handler.tasks import TASKS
from handler.tasks.embeddings import EmbeddingParameters, choose_kinds
from handler.vectors.late import Late
from handler.vectors.settings import Kind, Vectors, WordPooling
from handler.vectors.sparse import SparseVector
from tests.support.calls import REST, answer, ask
from tests.support.standin_model import StandInModel

DENSE = np.asarray([0.5, -1.25], np.float32)
SPARSE = SparseVector(ids=np.asarray([7, 2]), weights=np.asarray([1.5, 0.25], np.float32))
NAMED = SparseVector(ids=SPARSE.ids, weights=SPARSE.weights, write=lambda ids: [f"##w{each}" for each in ids])
WORDS = {"7": 1.5, "2": 0.25}


OF_WORDS = Vectors(words=WordPooling.MAX)
OF_TOKENS = Vectors(late=Late(query_tokens=8, document_tokens=9, modules=("1_Dense",)), token_width=2)
BODIES = {
    "similarity": {"inputs": {"source_sentence": "a", "sentences": ["b"]}},
    "score": {"text_1": "a", "text_2": "b"},
    "v2/embed": {"texts": ["a"]},
    "pooling": {"input": "a"},
}


def call(path: str, body: object, vectors: Vectors | None = None) -> Any:
    return ask(body, {**REST, "url_path": path}, Task.EMBEDDINGS, vectors)


@pytest.mark.parametrize("path", ["embed", "similarity", "score", "v2/embed", "embed_sparse"])
def test_an_address_for_one_kind_of_vectors_asks_for_it(path: str) -> None:
    vectors = OF_WORDS if path == "embed_sparse" else None
    item = call(path, BODIES.get(path, {"inputs": "a"}), vectors).item
    assert isinstance(item, Request)
    assert isinstance(item.parameters, EmbeddingParameters)
    assert item.parameters.vectors is (Kind.SPARSE if path == "embed_sparse" else Kind.DENSE)


@pytest.mark.parametrize(
    ("path", "vectors", "status", "says"),
    [
        ("embed_sparse", None, 424, "no sparse vectors, but dense, and embed_sparse is for sparse ones"),
        ("embed_all", OF_WORDS, 424, "send the texts to v1/embeddings, embed_sparse, /predictions/{model}"),
        ("embed", OF_TOKENS, 424, "send the texts to v1/embeddings, embed_all, pooling, /predictions/{model}"),
        ("similarity", OF_TOKENS, 424, "send the texts to v1/embeddings, embed_all, pooling, /predictions/{model}"),
        ("hf", OF_TOKENS, 424, "hf is for dense ones"),
        ("v2/embed", OF_TOKENS, 404, "makes no dense vectors, but multi_vector"),
        ("score", OF_TOKENS, 404, "/predictions/{model}; packed with --task text-ranking the same checkpoint scores"),
        ("score", OF_WORDS, 404, 'send the texts to v1/embeddings, embed_sparse, /predictions/{model}"'),
        ("pooling", OF_WORDS, 404, "no dense or multi_vector vectors, but sparse, and pooling is for"),
    ],
)
def test_an_address_for_what_the_model_does_not_make_names_those_it_has(
    path: str, vectors: Vectors | None, status: int, says: str
) -> None:
    """No advice is for a parameter that the address does not have."""
    opened = call(path, BODIES.get(path, {"inputs": "a"}), vectors)
    response = opened.reply.format_error(opened.item.error)
    assert response.status == status
    assert says in response.body.decode()
    assert "ask for those" not in response.body.decode()


def test_tei_lists_the_words_by_their_ids() -> None:
    body = {"inputs": ["a", "b"], "prompt_name": "query", "truncate": False}
    opened = call("embed_sparse", body, OF_WORDS)
    assert opened.item.parameters == EmbeddingParameters(vectors=Kind.SPARSE, prompt_name="query", truncation=False)
    words = [{"index": 2, "value": 0.25}, {"index": 7, "value": 1.5}]
    assert answer(opened, SPARSE, NAMED) == [words, words]


def test_teis_embed_all_is_for_models_that_make_vectors_of_tokens() -> None:
    served: Any = StandInModel(Task.EMBEDDINGS)
    vectors = Vectors(multi_module="colbert_linear", token_width=2, dense_width=2)
    served.config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=8, vectors=vectors)
    model = ModelIdentity(name="m", version="1", contract=TASKS[Task.EMBEDDINGS], served=served)
    opened = open_call({"body": b'{"inputs": "a"}'}, {**REST, "url_path": "embed_all"}, model)
    assert isinstance(opened.item, Request)
    assert opened.item.parameters == EmbeddingParameters(vectors=Kind.MULTI_VECTOR)
    assert answer(opened, np.stack([DENSE, DENSE])) == [[[0.5, -1.25], [0.5, -1.25]]]


def test_each_vector_of_a_token_is_base64_by_itself() -> None:
    written = base64.b64encode(DENSE.tobytes()).decode()
    body = format_value([np.stack([DENSE, DENSE])], None, EncodingFormat.BASE64).body
    assert json.loads(body) == [[written, written]]


def test_openai_has_other_kinds_in_a_field_of_its_own() -> None:
    """Its client reads `embedding` whatever there is, and decodes base64."""
    opened = call("v1/embeddings", {"input": ["a", "b", "c"], "encoding_format": "base64"})
    data = answer(opened, SPARSE, {"dense": DENSE, "sparse": NAMED}, DENSE)["data"]
    written = base64.b64encode(DENSE.tobytes()).decode()
    assert [each["embedding"] for each in data] == [[], written, written]
    assert [each.get("vectors") for each in data] == [
        {"sparse": WORDS},
        {"sparse": {"##w7": 1.5, "##w2": 0.25}},
        None,
    ]


def test_open_inference_has_them_as_json() -> None:
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}
    (output,) = answer(ask({"inputs": [tensor]}, {**REST, "explain": "False"}), SPARSE)["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [1])
    assert json.loads(output["data"][0]) == WORDS


@pytest.mark.parametrize("vectors", [None, Vectors(words=WordPooling.MAX)])
def test_metadata_says_which_tensor_comes(vectors: Vectors | None) -> None:
    served: Any = StandInModel(Task.EMBEDDINGS)
    served.config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=8, vectors=vectors)
    item = open_metadata(ModelIdentity(name="m", version="1", contract=TASKS[Task.EMBEDDINGS], served=served)).item
    assert isinstance(item, Answered)
    (output,) = item.value["outputs"]  # type: ignore[index]
    assert output["datatype"] == ("BYTES" if vectors else "FP32")


@pytest.mark.parametrize("encoding", EncodingFormat)
def test_words_are_written_as_they_are_in_every_encoding(encoding: EncodingFormat) -> None:
    assert json.loads(format_value([SPARSE], None, encoding).body) == [WORDS]


def test_a_row_of_the_matrix_that_is_no_word_is_called_by_its_id() -> None:
    """As of ModernBERT, whose matrix has rows to spare."""
    vector = SparseVector(ids=SPARSE.ids, weights=SPARSE.weights, write=lambda _: ["a", None])
    assert json.loads(format_value([vector]).body) == [{"a": 1.5, "2": 0.25}]


@pytest.mark.parametrize(
    ("asked", "kinds", "says"),
    [
        ({"vectors": Kind.SPARSE}, (Kind.DENSE,), "makes no sparse vectors, but dense"),
        ({"vectors": [Kind.DENSE, Kind.SPARSE]}, (Kind.SPARSE,), "makes no dense vectors, but sparse"),
        ({"dimensions": 2}, (Kind.SPARSE,), "dimensions is for dense vectors, and sparse is asked for"),
        ({"normalize": False}, (Kind.SPARSE,), "normalize is for dense vectors"),
        ({"max_active_dims": 2}, (Kind.DENSE,), "max_active_dims is for sparse vectors, and dense is asked for"),
        ({"min_weight": 0.0}, (Kind.DENSE,), "min_weight is for sparse vectors"),
    ],
)
def test_what_a_model_does_not_make_is_refused(asked: dict[str, Any], kinds: tuple[Kind, ...], says: str) -> None:
    with pytest.raises(InvalidParameter, match=says):
        choose_kinds(EmbeddingParameters(**asked), kinds)
