"""A model of three kinds of vectors on a real server: every door gives them, and they are the engine's own."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.doors.call import format_value
from handler.tasks.embeddings import EmbeddingParameters
from handler.vectors.settings import Kind
from tests.support.asking import ask, value_of
from tests.support.checkpoints.bge_m3 import make_bge_m3
from tests.support.clients import DOORS, Model
from tests.support.clients.rest import JSON, post
from tests.support.equality.archives import load_archive
from tests.support.servers import running_server

pytestmark = pytest.mark.server

TOLERANCE = 1e-6  # fp32; which texts share a pass is not the same in the process of the tests
TEXTS = ["hello world", "naïve café 😀", "", "a longer text, of some more words, and 船停在港口里 behind them"]
OF_ALL_TASKS = [name for name in DOORS if not name.startswith("OpenAI")]
Vectors = list[dict[str, Any]]
"""Of each text its vectors, by their kinds."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    return pack_checkpoint(make_bge_m3(folder / "three"), PackOptions(output=folder / "store")).archive


@pytest.fixture(scope="module")
def three(archive: Path) -> Iterator[Model]:
    with running_server([archive]) as server:
        yield server.model(archive.stem)


@pytest.fixture(scope="module")
def expected(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    """What the engine makes of the texts, in this process."""
    pipeline = load_archive(archive, tmp_path_factory.mktemp("loaded") / "unpacked")
    asked = EmbeddingParameters(vectors=list(Kind))
    answers = pipeline.answer([ask(text, asked) for text in TEXTS])
    found: Vectors = [json.loads(format_value(value_of(answer)).body) for answer in answers]
    assert sum(len(each["sparse"]) for each in found) > len(TEXTS), "hardly any words, so that little is compared"
    return found


def post_json(model: Model, path: str, body: Mapping[str, Any]) -> Any:
    """The body of a 200 of one of the model's addresses."""
    url = f"{model.url}/predictions/{model.name}/{model.version}/{path}"
    response = post(url, json.dumps(body).encode(), JSON)
    assert response.status_code == 200, response.text
    return response.json()


def to_array(value: Any) -> Any:
    """The numbers of a vector or of those of tokens, out of base64 too; weights in the words' order."""
    if isinstance(value, dict):
        return np.array([value[word] for word in sorted(value)])
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value), "<f4")
    return np.array([to_array(each) if isinstance(each, str) else each for each in value])


def close(found: Sequence[Any], expected: Vectors, kind: Kind) -> None:
    """Equal within TOLERANCE: the words' weights, the numbers of each token."""
    for value, vectors in zip(found, expected, strict=True):
        pair = value, vectors[kind]
        if kind is Kind.SPARSE:  # a weight of next to nothing may be none
            pair = tuple(dict.fromkeys({**pair[0], **pair[1]}, 0.0) | each for each in pair)
        numbers, wanted = map(to_array, pair)
        assert numbers.shape == wanted.shape
        np.testing.assert_allclose(numbers, wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("door", OF_ALL_TASKS)
def test_a_door_of_all_tasks_gives_every_kind_alone_and_with_the_others(
    three: Model, expected: Vectors, door: str
) -> None:
    together = DOORS[door].ask(three, TEXTS, {"vectors": list(Kind)})
    assert together.error is None
    for kind in Kind:
        close([each[kind] for each in together.results or []], expected, kind)
        alone = DOORS[door].ask(three, TEXTS, {"vectors": kind})
        assert alone.error is None
        close(alone.results or [], expected, kind)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_openais_form_has_the_others_beside_the_dense_one(three: Model, expected: Vectors, encoding: str) -> None:
    body = {"input": TEXTS, "encoding_format": encoding, "parameters": {"vectors": list(Kind)}}
    data = post_json(three, "v1/embeddings", body)["data"]
    close([each["embedding"] for each in data], expected, Kind.DENSE)
    for kind in (Kind.SPARSE, Kind.MULTI_VECTOR):
        close([each["vectors"][kind] for each in data], expected, kind)


def test_tei_has_an_address_for_each_kind(three: Model, expected: Vectors) -> None:
    body = {"inputs": TEXTS}
    close(post_json(three, "embed", body), expected, Kind.DENSE)
    close(post_json(three, "embed_all", body), expected, Kind.MULTI_VECTOR)
    words = post_json(three, "embed_sparse", body)
    close([{str(word["index"]): word["value"] for word in each} for each in words], expected, Kind.SPARSE)


@pytest.mark.parametrize(("task", "kind"), [("embed", Kind.DENSE), ("token_embed", Kind.MULTI_VECTOR)])
def test_vllms_pooling_has_a_task_for_two(three: Model, expected: Vectors, task: str, kind: Kind) -> None:
    data = post_json(three, "pooling", {"input": TEXTS, "task": task})["data"]
    close([each["data"] for each in data], expected, kind)
    coded = post_json(three, "pooling", {"input": TEXTS, "task": task, "encoding_format": "base64"})["data"]
    wanted: Vectors = [{kind: np.ravel(each[kind])} for each in expected]
    close([each["data"] for each in coded], wanted, kind)
