"""TEI's, Cohere's and vLLM's addresses of a real server: native numbers in their dress, errors in their form."""

import base64
import concurrent.futures
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from transformers import AutoTokenizer

from handler.config import Task
from tests.support.clients import DOORS, Model
from tests.support.clients.rest import JSON, post
from tests.support.equality.compare import largest_difference
from tests.support.servers import Server
from tests.support.texts import mixed_texts

from .errors import LONG_TEXT

pytestmark = pytest.mark.server

TOLERANCE = 1e-6
TEXTS = ["hello world", "naïve café 😀", "", "a longer text, of some more words"]
QUERY = "what is a café"


def send(model: Model, path: str, body: object) -> Any:
    """The status and the JSON of a request to one of the model's addresses."""
    url = f"{model.url}/predictions/{model.name}/{model.version}/{path}"
    response = post(url, json.dumps(body).encode(), JSON)
    return response.status_code, response.json()


def ask(model: Model, path: str, body: object) -> Any:
    status, value = send(model, path, body)
    assert status == 200, value
    return value


def native(model: Model, inputs: list[Any], **parameters: Any) -> list[Any]:
    answer = DOORS["native"].ask(model, inputs, parameters)
    assert answer.error is None, answer
    return list(answer.results or [])


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.fixture
def embeddings(tasks_server: Server) -> Model:
    return tasks_server.model(Task.EMBEDDINGS)


@pytest.fixture
def classifier(tasks_server: Server) -> Model:
    return tasks_server.model(Task.TEXT_CLASSIFICATION)


@pytest.fixture
def ranker(tasks_server: Server) -> Model:
    return tasks_server.model(Task.TEXT_RANKING)


def test_embed_is_of_length_1_by_itself(embeddings: Model) -> None:
    vectors = np.array(ask(embeddings, "embed", {"inputs": TEXTS}))
    close(np.linalg.norm(vectors, axis=1), 1)
    close(vectors, native(embeddings, TEXTS, normalize=True))
    own = native(embeddings, TEXTS)
    assert abs(np.linalg.norm(own, axis=1) - 1).max() > 0.1, "the checkpoint normalises, and the next line says nothing"
    close(ask(embeddings, "embed", {"inputs": TEXTS, "normalize": False}), own)
    close(ask(embeddings, "embed", {"inputs": TEXTS[0], "normalize": False}), own[:1])


def test_embed_keeps_dimensions_scaled_or_as_they_are(embeddings: Model) -> None:
    own = np.array(native(embeddings, TEXTS))[:, :8]
    close(ask(embeddings, "embed", {"inputs": TEXTS, "dimensions": 8, "normalize": False}), own)
    scaled = own / np.linalg.norm(own, axis=1, keepdims=True)
    close(ask(embeddings, "embed", {"inputs": TEXTS, "dimensions": 8}), scaled)
    close(native(embeddings, TEXTS, dimensions=8), scaled)


def test_a_checkpoint_that_normalises_cannot_be_told_not_to(answering_server: Server) -> None:
    """The sample's vectors have length 1, and what they were before is gone."""
    sample = answering_server.model("bert")
    close(ask(sample, "embed", {"inputs": TEXTS}), native(sample, TEXTS))
    status, error = send(sample, "embed", {"inputs": TEXTS, "normalize": False})
    assert (status, error["error_type"]) == (422, "Validation")
    assert "normalize is false, and this model's checkpoint makes vectors of length 1" in error["error"]


@pytest.mark.parametrize("path", ["v1/embed", "v2/embed"])
def test_coheres_vectors(embeddings: Model, path: str) -> None:
    body = {"texts": TEXTS, "model": "x", "input_type": "search_document", "embedding_types": ["float", "base64"]}
    found = ask(embeddings, path, body)["embeddings"]
    close(found["float"], native(embeddings, TEXTS))
    close([np.frombuffer(base64.b64decode(each), "<f4") for each in found["base64"]], found["float"])


def test_similarity_and_score_are_cosines(embeddings: Model) -> None:
    first, *others = np.array(native(embeddings, [QUERY, *TEXTS], normalize=True))
    expected = np.array(others) @ first
    close(ask(embeddings, "similarity", {"inputs": {"source_sentence": QUERY, "sentences": TEXTS}}), expected)
    scored = ask(embeddings, "score", {"text_1": QUERY, "text_2": TEXTS})["data"]
    close([each["score"] for each in scored], expected)


def test_predict_has_every_label(classifier: Model) -> None:
    pairs = [{"text": text, "text_pair": QUERY} for text in TEXTS]
    expected = native(classifier, pairs, top_k=None)
    found = ask(classifier, "predict", {"inputs": [[text, QUERY] for text in TEXTS]})
    assert largest_difference(found, expected) < TOLERANCE
    one = ask(classifier, "predict", {"inputs": [TEXTS[0], QUERY]})
    assert largest_difference(one, expected[0]) < TOLERANCE
    (expected_raw,) = native(classifier, TEXTS[:1], top_k=None, function_to_apply="none")
    raw = ask(classifier, "predict", {"inputs": TEXTS[0], "raw_scores": True})
    assert largest_difference(raw, expected_raw) < TOLERANCE


def test_classify_is_in_the_order_of_the_labels(task_folders: dict[Task, Path], classifier: Model) -> None:
    config = json.loads((task_folders[Task.TEXT_CLASSIFICATION] / "config.json").read_text("utf-8"))
    labels = [config["id2label"][str(place)] for place in range(len(config["id2label"]))]
    found = ask(classifier, "classify", {"input": TEXTS})["data"]
    for each, ranked in zip(found, native(classifier, TEXTS, top_k=None), strict=True):
        scores = {one["label"]: one["score"] for one in ranked}
        assert each["probs"] == pytest.approx([scores[label] for label in labels], abs=TOLERANCE)
        assert (each["label"], each["num_classes"]) == (ranked[0]["label"], len(labels))


@pytest.mark.parametrize("path", ["v1/rerank", "v2/rerank", "rerank"])
def test_documents_are_ranked_as_natively(ranker: Model, path: str) -> None:
    (expected,) = native(ranker, [{"query": QUERY, "texts": TEXTS}], top_k=3)
    body = {"model": "x", "query": QUERY, "documents": TEXTS, "top_n": 3, "return_documents": True}
    results = ask(ranker, path, body)["results"]
    assert [(each["index"], each["relevance_score"]) for each in results] == [
        (each["index"], pytest.approx(each["score"], abs=TOLERANCE)) for each in expected
    ]
    assert [each["document"]["text"] for each in results] == [TEXTS[each["index"]] for each in expected]


def test_teis_ranks_and_vllms_scores_are_the_native_ones(ranker: Model) -> None:
    (expected,) = native(ranker, [{"query": QUERY, "texts": TEXTS}])
    ranks = ask(ranker, "rerank", {"query": QUERY, "texts": TEXTS, "return_text": True})
    assert ranks == [
        {**each, "text": TEXTS[each["index"]], "score": pytest.approx(each["score"], abs=TOLERANCE)}
        for each in expected
    ]
    in_order = [each["score"] for each in sorted(expected, key=lambda each: int(each["index"]))]
    for first in (QUERY, [QUERY] * len(TEXTS)):
        for path in ("score", "v1/score"):
            found = ask(ranker, path, {"queries": first, "documents": TEXTS})["data"]
            close([each["score"] for each in found], in_order)
    (raw,) = native(ranker, [{"query": QUERY, "texts": TEXTS}], function_to_apply="none")
    found = ask(ranker, "rerank", {"query": QUERY, "texts": TEXTS, "raw_scores": True})
    close([each["score"] for each in found], [each["score"] for each in raw])


@pytest.mark.parametrize("task", Task)
def test_tokens_are_the_tokenizers_own(tasks_server: Server, task_folders: dict[Task, Path], task: Task) -> None:
    model, tokenizer = tasks_server.model(task), AutoTokenizer.from_pretrained(task_folders[task])
    texts = mixed_texts(6, seed=33)
    found = ask(model, "tokenize", {"inputs": texts})
    ids = [[token["id"] for token in tokens] for tokens in found]
    assert ids == tokenizer(texts)["input_ids"]
    for text, tokens in zip(texts, found, strict=True):
        inner = [token for token in tokens if not token["special"]]
        assert all(token["text"] == text[token["start"] : token["stop"]] for token in inner)
        assert all(token["start"] is None for token in tokens if token["special"])
        assert len(inner) < len(tokens)
    bare = ask(model, "tokenize", {"inputs": texts[0], "add_special_tokens": False})
    assert [[token["id"] for token in tokens] for tokens in bare] == [
        tokenizer(texts[0], add_special_tokens=False)["input_ids"]
    ]
    decoded = ask(model, "decode", {"ids": ids})
    assert decoded == [tokenizer.backend_tokenizer.decode(each) for each in ids]
    status, error = send(model, "decode", {"ids": [2**30]})
    assert (status, f"{2**30} is not a token id" in error["error"]) == (422, True)


@pytest.mark.parametrize("task", Task)
def test_info_is_a_get(tasks_server: Server, task: Task) -> None:
    model = tasks_server.model(task)
    with requests.Session() as session:
        session.trust_env = False
        found = session.get(f"{model.url}/predictions/{model.name}/{model.version}/info", timeout=120).json()
    assert found["model_id"] == task
    assert (found["model_dtype"], found["max_client_batch_size"]) == ("float32", 256)
    assert found["max_input_length"] > 0


# Path, body, status, the error's whole body with TEXT for its message, a part of the message.
TEI, COHERE = {"error": ..., "error_type": "Validation"}, {"message": ..., "detail": ...}
BACKEND = {"error": ..., "error_type": "Backend"}
REFUSED = [
    ((Task.EMBEDDINGS, "embed", {"inputs": LONG_TEXT, "truncate": False}), 422, TEI, 'send "truncate": true'),
    ((Task.EMBEDDINGS, "embed", {"inputs": "a", "dimensions": 9999}), 422, TEI, "dimensions is 9999"),
    ((Task.EMBEDDINGS, "embed", {"inputs": "a", "prompt_name": "none"}), 422, TEI, "unknown prompt 'none'"),
    ((Task.EMBEDDINGS, "v2/embed", {"texts": [LONG_TEXT], "truncate": "NONE"}), 422, COHERE, '"truncate": "END"'),
    (
        (Task.EMBEDDINGS, "v2/embed", {"texts": ["a"], "output_dimension": 9999}),
        422,
        COHERE,
        "output_dimension is 9999",
    ),
    ((Task.EMBEDDINGS, "tokenize", {"inputs": "a " * 100_000}), 413, TEI, "max_response_size"),
    ((Task.FILL_MASK, "embed_all", {}), 424, BACKEND, "embed_all is for embeddings"),
    ((Task.FILL_MASK, "embed", {}), 424, BACKEND, "this model's task is fill-mask, and embed is for embeddings"),
    ((Task.TEXT_CLASSIFICATION, "v1/rerank", {}), 404, COHERE, "this model's task is text-classification"),
]


@pytest.mark.parametrize(("asked", "status", "form", "says"), REFUSED)
def test_errors_are_in_the_protocols_form(
    tasks_server: Server, asked: tuple[Task, str, object], status: int, form: dict[str, Any], says: str
) -> None:
    task, path, body = asked
    found, value = send(tasks_server.model(task), path, body)
    assert found == status, value
    assert list(value) == list(form)
    assert all(text is ... or value[key] == text for key, text in form.items())
    assert says in next(iter(value.values()))


def test_one_batch_of_all_of_them(embeddings: Model, tasks_server: Server) -> None:
    """TorchServe mixes them; each gets its own answer, and the worker lives."""
    before = tasks_server.worker_pids(Task.EMBEDDINGS)
    bodies: dict[str, object] = {
        "embed": {"inputs": TEXTS},
        "v2/embed": {"texts": TEXTS},
        "similarity": {"inputs": {"source_sentence": QUERY, "sentences": TEXTS}},
        "score": {"text_1": QUERY, "text_2": TEXTS},
        "tokenize": {"inputs": TEXTS},
        "v1/embeddings": {"input": TEXTS},
        "predict": {"inputs": TEXTS},
        "embed_all": {"inputs": TEXTS},
    }
    paths = list(bodies) * 6
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        found = list(pool.map(lambda path: send(embeddings, path, bodies[path])[0], paths))
    assert found == [200, 200, 200, 200, 200, 200, 424, 424] * 6
    assert tasks_server.worker_pids(Task.EMBEDDINGS) == before
