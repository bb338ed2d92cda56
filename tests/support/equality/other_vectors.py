"""Sparse vectors and vectors of tokens, beside the libraries that people make them with: packed, unpacked and asked."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.pipeline import Pipeline
from handler.sizes import MAX_WORDS
from handler.tasks.embeddings import EmbeddingParameters
from handler.vectors.settings import Kind
from tests.support.asking import ask, value_of
from tests.support.checkpoints.bge_m3 import WIDTHS, make_bge_m3
from tests.support.checkpoints.late import make_pylate, make_stanford
from tests.support.checkpoints.routes import make_routes
from tests.support.checkpoints.sentence_transformers import make_sparse_encoder
from tests.support.checkpoints.static import make_static

from .archives import load_archive
from .cases import TEXTS
from .cells import Cell

SPLADE = ("bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "modernbert")
COLBERT: Mapping[str, Callable[[Path], Path]] = {
    "bert": make_pylate,
    "modernbert": partial(make_pylate, architecture="modernbert"),
    "xlm-roberta": partial(make_pylate, architecture="xlm-roberta"),
    "Stanford's layout": make_stanford,
}
Rows = Iterator[tuple[str, str, Cell]]
"""The model, the kind of its vectors, and what came of it."""


def measure_vectors(folder: Path) -> Rows:
    """Every row of the table; checkpoints are made in `folder`."""
    for architecture in SPLADE:
        yield f"SPLADE, {architecture}", Kind.SPARSE, _measure_splade(folder / "splade" / architecture, architecture)
    yield "SPLADE, its queries looked up", Kind.SPARSE, _measure_routes(folder / "routes")
    yield from _measure_bge_m3(folder / "bge-m3")
    for name, make in COLBERT.items():
        yield f"ColBERT, {name}", Kind.MULTI_VECTOR, _measure_colbert(folder / "colbert" / name, make)
    yield "StaticEmbedding", Kind.DENSE, _measure_static(folder / "static")


def _measure_splade(folder: Path, architecture: str) -> Cell:
    from sentence_transformers import SparseEncoder  # noqa: PLC0415 - seconds

    model = make_sparse_encoder(folder / "model", architecture=architecture)
    pipeline = _serve(model, folder)
    rows = SparseEncoder(str(model), device="cpu", local_files_only=True).encode(TEXTS)
    expected = rows.to_dense().numpy()
    pairs = zip(_answers(pipeline, Kind.SPARSE), expected, strict=True)
    differences = [_distance_of_words(value.to_json(), row) for value, row in pairs]
    return Cell(engine=pipeline.engine, num_cases=len(TEXTS), difference=max(differences))


def _measure_routes(folder: Path) -> Cell:
    """Every text as a query and as a document."""
    from sentence_transformers import SparseEncoder  # noqa: PLC0415 - seconds

    model = make_routes(folder / "model")
    pipeline, library = _serve(model, folder), SparseEncoder(str(model), device="cpu", local_files_only=True)
    expected = [*library.encode_query(TEXTS).to_dense().numpy(), *library.encode_document(TEXTS).to_dense().numpy()]
    found = [each for name in ("query", "document") for each in _answers(pipeline, Kind.SPARSE, name)]
    differences = [_distance_of_words(value.to_json(), row) for value, row in zip(found, expected, strict=True)]
    return Cell(engine=pipeline.engine, num_cases=len(found), difference=max(differences))


def _distance_of_words(weights: dict[str, float], expected: Any) -> float:
    """The largest difference of a weight; words that are left out weigh nothing, or less than MAX_WORDS others."""
    assert weights or not expected.any(), "a text without words"
    found = np.zeros_like(expected)
    found[[int(word) for word in weights]] = list(weights.values())
    least = min(weights.values()) if len(weights) == MAX_WORDS else 0.0
    return float(np.abs(found - np.where((found > 0) | (expected > least), expected, 0)).max())


def _measure_bge_m3(folder: Path) -> Rows:
    model = make_bge_m3(folder / "model")
    pipeline = _serve(model, folder)
    expected = [flag_embedding(model, text) for text in TEXTS]
    for place, kind in enumerate(Kind):
        pairs = zip(_answers(pipeline, kind), expected, strict=True)
        differences = [_distance(value, vectors[place]) for value, vectors in pairs]
        yield "bge-m3", kind, Cell(engine=pipeline.engine, num_cases=len(TEXTS), difference=max(differences))


def _measure_colbert(folder: Path, make: Callable[[Path], Path]) -> Cell:
    """Every text as a query and as a document."""
    from sentence_transformers import MultiVectorEncoder  # noqa: PLC0415 - seconds

    model = make(folder / "model")
    pipeline, library = _serve(model, folder), MultiVectorEncoder(str(model), device="cpu", local_files_only=True)
    expected: list[Any] = [*library.encode_query(TEXTS), *library.encode_document(TEXTS)]
    found = [each for name in ("query", "document") for each in _answers(pipeline, Kind.MULTI_VECTOR, name)]
    differences = [_distance(value, vectors.numpy()) for value, vectors in zip(found, expected, strict=True)]
    return Cell(engine=pipeline.engine, num_cases=len(found), difference=max(differences))


def _measure_static(folder: Path) -> Cell:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds

    model = make_static(folder / "model", normalize=True)
    pipeline = _serve(model, folder)
    expected = SentenceTransformer(str(model), device="cpu", local_files_only=True).encode(TEXTS)
    difference = _distance(_answers(pipeline, Kind.DENSE), expected)
    return Cell(engine=pipeline.engine, num_cases=len(TEXTS), difference=difference)


def _distance(value: Any, expected: Any) -> float:
    """The largest difference of a number; AssertionError where the words or the shapes differ."""
    if isinstance(expected, dict):
        words = value.to_json()
        assert words.keys() == expected.keys()
        value, expected = list(words.values()), [expected[word] for word in words]
    assert np.shape(value) == np.shape(expected)
    return float(np.abs(np.subtract(value, expected)).max(initial=0))


def _serve(model: Path, folder: Path) -> Pipeline:
    return load_archive(pack_checkpoint(model, PackOptions(output=folder)).archive, folder / "unpacked")


def _answers(pipeline: Pipeline, kind: Kind, prompt_name: str | None = None) -> list[Any]:
    asked = EmbeddingParameters(vectors=kind, prompt_name=prompt_name)
    return [value_of(answer) for answer in pipeline.answer([ask(text, asked) for text in TEXTS])]


def flag_embedding(folder: Path, text: str) -> tuple[Any, dict[str, float], Any]:
    """What FlagEmbedding's BGEM3FlagModel makes of a text, written with transformers and torch alone."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    encoded = tokenizer(text, truncation=True, return_tensors="pt")
    ids = encoded["input_ids"][0].tolist()
    sparse, colbert = (torch.load(folder / f"{name}.pt", weights_only=True) for name in WIDTHS)
    with torch.inference_mode():
        states = model(**encoded).last_hidden_state[0]
        weights = torch.relu(torch.nn.functional.linear(states, **sparse))[:, 0].tolist()
        vectors = torch.nn.functional.linear(states[1:], **colbert)
    largest: dict[str, float] = defaultdict(float)
    for token, weight in zip(ids, weights, strict=True):
        if token not in tokenizer.convert_tokens_to_ids(["<s>", "</s>", "<pad>", "<unk>"]) and weight > 0:
            largest[str(token)] = max(largest[str(token)], weight)
    normalize = torch.nn.functional.normalize
    return normalize(states[0], dim=0).numpy(), dict(largest), normalize(vectors, dim=1).numpy()
