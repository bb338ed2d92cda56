"""A sparse encoder, packed and unpacked, weighs words as sentence-transformers does."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from berth.memory.model_size import ModelSize
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.engine.readouts import words
from handler.pipeline import Pipeline
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.sparse import WordKeys
from handler.vectors.settings import Kind
from tests.support.asking import ask, value_of
from tests.support.checkpoints.sentence_transformers import make_sparse_encoder
from tests.support.equality.archives import load_archive
from tests.support.texts import mixed_texts

TOLERANCE = 1e-5
TEXTS = mixed_texts(8)


def answers(pipeline: Pipeline, **parameters: Any) -> list[dict[str, float]]:
    asked = EmbeddingParameters(**parameters)
    return [value_of(answer).to_json() for answer in pipeline.answer([ask(text, asked) for text in TEXTS])]


def assert_equal(found: list[dict[str, float]], expected: Any) -> None:
    """The same words, but for those whose weight is next to none; and the same weights."""
    for weights, row in zip(found, expected.to_dense().numpy(), strict=True):
        assert {str(place) for place in np.flatnonzero(row > TOLERANCE)} <= set(weights)
        assert list(weights.values()) == sorted(weights.values(), reverse=True)
        given = [row[int(place)] for place in weights]
        np.testing.assert_allclose(list(weights.values()), given, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("architecture", "form", "slice_numbers"),
    [
        ("bert", {"pooling": "max"}, 2**24),
        ("bert", {"pooling": "max", "activation": "log1p_relu"}, 2**17),
        ("distilbert", {"pooling": "sum"}, 2**17),
        ("xlm-roberta", {"pooling": "max"}, 1),
    ],
)
def test_words_are_weighed_as_by_sentence_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, form: dict[str, Any], slice_numbers: int
) -> None:
    """Also where texts are read in slices of some tokens, or of one."""
    from sentence_transformers import SparseEncoder  # noqa: PLC0415 - seconds

    prompts = {"query": "Query: "}
    folder = make_sparse_encoder(tmp_path / "model", architecture=architecture, prompts=prompts, **form)
    packed = pack_checkpoint(folder, PackOptions(output=tmp_path))
    assert packed.engine == "packed"
    monkeypatch.setattr(words, "SLICE_NUMBERS", slice_numbers)
    pipeline = load_archive(packed.archive, tmp_path / "unpacked")
    reference: Any = SparseEncoder(str(folder), device="cpu", local_files_only=True)
    encode = partial(reference.encode, TEXTS, batch_size=1)  # logits of a padded batch are half a gigabyte
    found = answers(pipeline)
    assert_equal(found, encode())
    assert 5 < max(map(len, found)) < 4000
    assert_equal(answers(pipeline, prompt_name="query"), encode(prompt_name="query"))
    assert_equal(answers(pipeline, max_active_dims=3), encode(max_active_dims=3))
    least = sorted(found[0].values())[-3]
    largest = answers(pipeline, min_weight=least)
    assert all(weight > least for weights in largest for weight in weights.values())
    assert len(largest[0]) == 2
    assert ModelSize.read(packed.archive).num_words == reference.get_embedding_dimension()


def test_max_active_dims_is_what_a_request_gets_that_does_not_say(tmp_path: Path) -> None:
    folder = make_sparse_encoder(tmp_path / "model", max_active_dims=4)
    archive = pack_checkpoint(folder, PackOptions(output=tmp_path)).archive
    pipeline = load_archive(archive, tmp_path / "unpacked")
    assert {len(weights) for weights in answers(pipeline)} == {4}
    named, by_id = answers(pipeline, sparse_keys=WordKeys.WORDS), answers(pipeline, max_active_dims=4)
    ids = pipeline._tokenizer.hf.convert_tokens_to_ids
    assert [{str(ids(word)): weight for word, weight in each.items()} for each in named] == by_id
    listed = pipeline.answer([ask(TEXTS[0], EmbeddingParameters(vectors=[Kind.SPARSE]))])[0]
    assert {kind: list(each.to_json()) for kind, each in value_of(listed).items()} == {"sparse": list(by_id[0])}
