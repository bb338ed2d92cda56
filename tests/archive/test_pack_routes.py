"""Sparse encoders whose queries are looked up, packed and unpacked: sentence-transformers' weights, and no pass."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from berth.errors import Refused
from berth.inspection.inspect import inspect_archive
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from handler.pipeline import Pipeline
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.sparse import WordKeys
from tests.support.asking import ask, value_of
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.routes import TABLE, make_routes
from tests.support.equality.archives import load_archive
from tests.support.texts import mixed_texts

TOLERANCE = 1e-5
TEXTS = [*mixed_texts(6), "the ship, the ship and the SHIP", "the tide turns and the harbour waits " * 90]


@pytest.fixture(scope="module", params=[False, True], ids=["saved", "published"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    prompts = {"query": "find: "} if request.param else None
    model = tmp_path_factory.mktemp("routes") / "model"
    return make_routes(model, is_published=request.param, prompts=prompts)


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> Pipeline:
    packed = pack_checkpoint(folder, PackOptions(output=folder.parent))
    assert packed.engine == "packed"
    assert packed.prepared.notes == (f"a query's words weigh what {TABLE} says, and no model reads them",)
    return load_archive(packed.archive, folder.parent / "unpacked")


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    from sentence_transformers import SparseEncoder  # noqa: PLC0415 - seconds

    return SparseEncoder(str(folder), device="cpu", local_files_only=True)


@pytest.fixture
def passes(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each forward pass read."""
    counted: list[int] = []
    forward = pipeline.model.forward

    def count(batch: Any) -> Any:
        counted.append(len(batch.texts))
        return forward(batch)

    monkeypatch.setattr(pipeline.model, "forward", count)
    return counted


def words_of(pipeline: Pipeline, texts: Sequence[str], **parameters: Any) -> list[dict[str, float]]:
    asked = EmbeddingParameters(**parameters)
    return [value_of(answer).to_json() for answer in pipeline.answer([ask(text, asked) for text in texts])]


def assert_equal(found: Sequence[dict[str, float]], expected: Any) -> None:
    rows = np.zeros(expected.shape)
    for row, words in zip(rows, found, strict=True):
        row[[int(word) for word in words]] = list(words.values())
    np.testing.assert_allclose(rows, expected.to_dense().numpy(), rtol=TOLERANCE, atol=TOLERANCE)


def test_queries_are_looked_up_without_a_pass(pipeline: Pipeline, library: Any, passes: list[int]) -> None:
    found = words_of(pipeline, TEXTS, prompt_name="query")
    assert_equal(found, library.encode_query(TEXTS))
    assert words_of(pipeline, [""], prompt_name="query") == [found[TEXTS.index("")]]
    cut = words_of(pipeline, TEXTS, prompt_name="query", max_active_dims=3)
    assert_equal(cut, library.encode_query(TEXTS, max_active_dims=3))
    assert passes == []


def test_documents_are_read_by_the_model(pipeline: Pipeline, library: Any, passes: list[int]) -> None:
    expected = library.encode_document(TEXTS)
    assert_equal(words_of(pipeline, TEXTS, prompt_name="document"), expected)
    assert_equal(words_of(pipeline, TEXTS), expected)
    assert sum(passes) == 2 * len(set(TEXTS))


def test_both_in_one_batch(pipeline: Pipeline, library: Any, passes: list[int]) -> None:
    """The same text as both: neither gets the other's words, and only the document costs a pass."""
    names = ["query", "document", "query", None]
    answers = pipeline.answer([ask("the ship", EmbeddingParameters(prompt_name=name)) for name in names])
    query, document, again, default = (value_of(answer).to_json() for answer in answers)
    assert_equal([query, document], _joined(library, "the ship"))
    assert (again, default) == (query, document)
    assert passes == [1]


def _joined(library: Any, text: str) -> Any:
    import torch  # noqa: PLC0415

    return torch.stack([library.encode_query(text), library.encode_document(text)])


def test_it_is_said_what_a_query_is(folder: Path, pipeline: Pipeline) -> None:
    (answer,) = pipeline.answer([ask(TEXTS[-1], EmbeddingParameters(prompt_name="query"))])
    assert isinstance(answer, list)
    assert (answer[0].num_tokens, answer[0].is_truncated) == (512, True)
    (named,) = words_of(pipeline, ["ship ahoy"], prompt_name="query", sparse_keys=WordKeys.WORDS)
    assert "ship" in named
    assert inspect_archive(folder.parent / "model.mar").facts.vector["prompts"] == ["document", "query"]


def test_a_table_without_modules_is_refused(tmp_path: Path) -> None:
    """OpenSearch's repositories before sentence-transformers knew them: nothing says how documents are pooled."""
    folder = make_checkpoint(tmp_path / "model", "distilbert", Task.FILL_MASK)
    (folder / "idf.json").write_text('{"ship": 2.5}', "utf-8")
    for task in (None, Task.EMBEDDINGS):
        with pytest.raises(Refused, match=r"idf\.json has weights of a query's words, and without modules\.json"):
            pack_checkpoint(folder, PackOptions(output=tmp_path, task=task))
