"""A checkpoint of bge-m3's form, packed and unpacked: three kinds of vectors of one forward pass."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from berth.archive.members import open_archive
from berth.inspection.inspect import inspect_archive
from berth.memory.model_size import ModelSize
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.pipeline import Pipeline
from handler.tasks.embeddings import EmbeddingParameters
from handler.vectors.settings import Kind
from tests.support.asking import ask, value_of
from tests.support.checkpoints.bge_m3 import make_bge_m3
from tests.support.equality.archives import load_archive
from tests.support.equality.other_vectors import flag_embedding
from tests.support.texts import mixed_texts

TOLERANCE = 1e-5
TEXTS = [*mixed_texts(6), "a </s> in the <unk> text", ""]


def answers(pipeline: Pipeline, texts: Sequence[str], vectors: Any = None) -> list[Any]:
    found = pipeline.answer([ask(text, EmbeddingParameters(vectors=vectors)) for text in texts])
    return [value_of(answer) for answer in found]


def assert_close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bge_m3(tmp_path_factory.mktemp("bge") / "model")


@pytest.fixture(scope="module")
def archive(folder: Path) -> Path:
    packed = pack_checkpoint(folder, PackOptions(output=folder.parent))
    assert packed.engine == "packed"
    assert "sparse_linear.pt, colbert_linear.pt became modules of safetensors" in packed.prepared.notes
    return packed.archive


@pytest.fixture(scope="module")
def pipeline(archive: Path) -> Pipeline:
    return load_archive(archive, archive.parent / "unpacked")


def test_no_pickle_travels(archive: Path) -> None:
    with open_archive(archive) as members:
        names = list(members.sizes)
    assert not [name for name in names if name.endswith((".pt", ".bin"))]
    size = ModelSize.read(archive)
    assert (size.vector_size, size.token_width, size.num_words) == (64, 81, 0)


def test_it_is_said_what_is_in_it(archive: Path) -> None:
    vector = inspect_archive(archive).facts.vector
    assert (vector["kinds"], vector["pooling"]) == (["dense", "sparse", "multi_vector"], ["cls"])


def test_three_vectors_of_one_pass(folder: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = Mock(side_effect=pipeline.model.network.forward)
    monkeypatch.setattr(pipeline.model.network, "forward", forward)
    (one,) = answers(pipeline, TEXTS[:1], list(Kind))
    assert forward.call_count == 1
    assert set(one) == {"dense", "sparse", "multi_vector"}
    for text, found in zip(TEXTS, answers(pipeline, TEXTS, list(Kind)), strict=True):
        dense, sparse, tokens = flag_embedding(folder, text)
        assert_close(found["dense"], dense)
        assert_close(found["multi_vector"], tokens)
        words = found["sparse"].to_json()
        assert set(words) == set(sparse)
        assert_close(list(words.values()), [sparse[word] for word in words])


def test_each_kind_alone_and_beside_neighbours_that_ask_for_another(pipeline: Pipeline) -> None:
    all_kinds = answers(pipeline, TEXTS, list(Kind))
    both = [Kind.DENSE, Kind.SPARSE]
    asked: list[Any] = [None, Kind.SPARSE, Kind.MULTI_VECTOR, Kind.DENSE, both, Kind.SPARSE, Kind.MULTI_VECTOR, None]
    requests = [ask(text, EmbeddingParameters(vectors=kind)) for text, kind in zip(TEXTS, asked, strict=True)]
    for found, kind, every in zip(map(value_of, pipeline.answer(requests)), asked, all_kinds, strict=True):
        if kind is both:
            assert_close(found["dense"], every["dense"])
        if kind in (both, Kind.SPARSE):
            words, expected = (found["sparse"] if kind is both else found).to_json(), every["sparse"].to_json()
            assert set(words) == set(expected)
            assert_close(list(words.values()), list(expected.values()))
        else:
            assert_close(found, every[kind or Kind.DENSE])


def test_of_a_sparse_vector_alone_only_weights_leave_the_device(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = pipeline.model
    choose, left = model.readout.choose, []

    def watch(*given: Any) -> Any:
        left.append(choose(*given))
        return left[-1]

    monkeypatch.setattr(model.readout, "choose", watch)
    (answer,) = pipeline.answer([ask("The ship lies in the harbour.", EmbeddingParameters(vectors=Kind.SPARSE))])
    assert isinstance(answer, list)
    assert answer[0].num_tokens > 2
    assert [each.shape for each in left] == [(2, 81)]  # the text's row, and the weights of all tokens in another


def test_one_of_the_two_matrices_is_enough(tmp_path: Path) -> None:
    folder = make_bge_m3(tmp_path / "model", ["colbert_linear"])
    pipeline = load_archive(pack_checkpoint(folder, PackOptions(output=tmp_path)).archive, tmp_path / "unpacked")
    assert pipeline.config.vectors is not None
    assert pipeline.config.vectors.kinds == (Kind.DENSE, Kind.MULTI_VECTOR)
    (found,) = answers(pipeline, ["The ship lies in the harbour."], Kind.MULTI_VECTOR)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("vectors", "reads"),
    [(None, False), ("dense", False), (["dense", "dense"], False), ("sparse", True), (["dense", "multi_vector"], True)],
)
def test_only_who_asks_for_more_than_the_dense_vector_gets_tokens_off_the_device(vectors: Any, *, reads: bool) -> None:
    assert EmbeddingParameters(vectors=vectors).reads_tokens is reads
