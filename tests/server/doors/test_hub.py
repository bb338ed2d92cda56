"""huggingface_hub's InferenceClient at the address that is made for it: what it asks for every task, and reads."""

from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from handler.config import Task
from tests.support.clients import Model
from tests.support.clients.rest import NATIVE
from tests.support.servers import Server

from .mixed_inputs import MASK

pytestmark = pytest.mark.server

TOLERANCE = 1e-6  # the same engine, in other batches
TEXT = "Ada lives in Rome."
LABELS = ["ships", "weather"]


def hub(model: Model) -> Any:
    """A client of one model."""
    return InferenceClient(base_url=f"{model.url}/predictions/{model.name}/{model.version}/hf")


def native(model: Model, value: object, **parameters: object) -> Any:
    """What the native door answers for one input."""
    (found,) = NATIVE.ask(model, {"inputs": [value], "parameters": parameters}).results or []
    return found


def scores(elements: Any) -> dict[str, float]:
    """Labels with their scores, of the client's objects or of native ones."""
    pairs = [(each["label"], each["score"]) for each in elements]
    return dict(pairs)


def test_text_classification(tasks_server: Server) -> None:
    model = tasks_server.model(Task.TEXT_CLASSIFICATION)
    every = native(model, TEXT, top_k=None)
    assert scores(hub(model).text_classification(TEXT)) == pytest.approx(scores(every), abs=TOLERANCE)
    best = hub(model).text_classification(TEXT, top_k=1, function_to_apply="sigmoid")
    expected = native(model, TEXT, top_k=1, function_to_apply="sigmoid")
    assert scores(best) == pytest.approx(scores(expected), abs=TOLERANCE)


@pytest.mark.parametrize("multi_label", [False, True])
def test_zero_shot_classification(tasks_server: Server, multi_label: bool) -> None:
    model = tasks_server.model(Task.ZERO_SHOT_CLASSIFICATION)
    said = {"multi_label": multi_label, "hypothesis_template": "It is {}."}
    found = hub(model).zero_shot_classification(TEXT, LABELS, **said)
    expected = native(model, TEXT, candidate_labels=LABELS, **said)
    assert [each.label for each in found] == expected["labels"]
    assert [each.score for each in found] == pytest.approx(expected["scores"], abs=TOLERANCE)


@pytest.mark.parametrize("strategy", [None, "simple"])
def test_token_classification(tasks_server: Server, strategy: str | None) -> None:
    model = tasks_server.model(Task.TOKEN_CLASSIFICATION)
    found = hub(model).token_classification(TEXT, aggregation_strategy=strategy, ignore_labels=[], stride=20)
    expected = native(model, TEXT, aggregation_strategy=strategy, ignore_labels=[], stride=20)
    places = [(each.word, each.start, each.end, each.entity, each.entity_group) for each in found]
    keys = ("word", "start", "end", "entity", "entity_group")
    assert places == [tuple(each.get(key) for key in keys) for each in expected]


def test_question_answering(tasks_server: Server) -> None:
    model = tasks_server.model(Task.QUESTION_ANSWERING)
    source = {"question": "Where does Ada live?", "context": TEXT}
    found = hub(model).question_answering(**source)
    expected = native(model, source)
    assert (found.answer, found.start, found.end) == (expected["answer"], expected["start"], expected["end"])
    several = hub(model).question_answering(
        **source, top_k=2, max_answer_len=3, max_seq_len=64, doc_stride=16, align_to_words=False
    )
    assert len(several) == 2
    with pytest.raises(HfHubHTTPError, match="a question is never cut here"):
        hub(model).question_answering(**source, max_question_len=5)


def test_fill_mask(tasks_server: Server) -> None:
    model = tasks_server.model(Task.FILL_MASK)
    found = hub(model).fill_mask(MASK, top_k=3)
    assert [each.token_str for each in found] == [each["token_str"] for each in native(model, MASK, top_k=3)]
    targets = [each.token_str for each in found[:2]]
    assert {each.token_str for each in hub(model).fill_mask(MASK, targets=targets)} == set(targets)


def test_feature_extraction(tasks_server: Server) -> None:
    model = tasks_server.model(Task.EMBEDDINGS)
    vectors = np.array([native(model, text) for text in (TEXT, "another")])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    client = hub(model)
    np.testing.assert_allclose(client.feature_extraction(TEXT), units[:1], 0, TOLERANCE)  # [1, n], as from the Hub
    np.testing.assert_allclose(client.feature_extraction([TEXT, "another"], normalize=True), units, 0, TOLERANCE)
    raw = client.feature_extraction([TEXT, "another"], normalize=False, truncate=True, truncation_direction="right")
    np.testing.assert_allclose(raw, vectors, 0, TOLERANCE)
    assert client.feature_extraction(TEXT, dimensions=8, encoding_format="float").shape == (1, 8)
    for said, words in (
        ({"truncation_direction": "left"}, "send Right"),
        ({"prompt_name": "nowhere"}, "unknown prompt 'nowhere'"),
        ({"encoding_format": "base64"}, "reads numbers alone"),
        ({"truncate": False}, '"truncate": true'),
    ):
        with pytest.raises(HfHubHTTPError, match=words):
            client.feature_extraction("long " * 600, **said)


def test_sentence_similarity(tasks_server: Server) -> None:
    model = tasks_server.model(Task.EMBEDDINGS)
    first, same, other = hub(model).sentence_similarity(TEXT, [TEXT, f"{TEXT} ", "another"])
    assert first == pytest.approx(1)
    assert same == pytest.approx(1)
    vectors = np.array([native(model, text) for text in (TEXT, "another")])
    assert other == pytest.approx(vectors[0] @ vectors[1] / np.prod(np.linalg.norm(vectors, axis=1)), abs=1e-5)


def test_another_task_is_refused_in_words(tasks_server: Server) -> None:
    with pytest.raises(HfHubHTTPError, match="question and context"):
        hub(tasks_server.model(Task.QUESTION_ANSWERING)).text_classification(TEXT)
    with pytest.raises(HfHubHTTPError, match="candidate_labels"):
        hub(tasks_server.model(Task.ZERO_SHOT_CLASSIFICATION)).text_classification(TEXT)
