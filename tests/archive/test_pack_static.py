"""Static embeddings, packed and unpacked: the vectors of sentence-transformers and of model2vec."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from berth.errors import Refused
from berth.inspection.inspect import inspect_archive
from berth.memory.model_size import ModelSize
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.engine.static.model import leave_out
from handler.pipeline import Pipeline
from handler.tasks.embeddings import EmbeddingParameters
from tests.support.asking import ask, value_of
from tests.support.checkpoints.static import WIDTH, make_model2vec, make_static
from tests.support.equality.archives import load_archive
from tests.support.texts import mixed_texts

TOLERANCE = 1e-6
TEXTS = [*mixed_texts(6), "", "Ωξψ the ship 船 lies", "Ωξψ", "the tide turns " * 300]


def model2vec(folder: Path, texts: Sequence[str]) -> Any:
    """What model2vec's loader says that it answers, written with numpy and tokenizers alone (0.10, model.py)."""
    from safetensors.torch import load_file  # noqa: PLC0415

    tensors = {name: tensor.float().numpy() for name, tensor in load_file(folder / "model.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(512)
    unknown = tokenizer.token_to_id("[UNK]")
    vectors = []
    for text in texts:
        ids = [each for each in tokenizer.encode(text, add_special_tokens=False).ids if each != unknown]
        rows = tensors["embeddings"][tensors["mapping"][ids].astype(int) if "mapping" in tensors else ids]
        rows = rows * tensors["weights"][ids][:, None] if "weights" in tensors else rows
        mean = rows.mean(axis=0) if ids else np.zeros(WIDTH)
        vectors.append(mean / (np.linalg.norm(mean) + 1e-32))
    return np.array(vectors)


def packed_into(tmp_path: Path, folder: Path) -> Pipeline:
    packed = pack_checkpoint(folder, PackOptions(output=tmp_path / "store"))
    assert packed.engine == "static"
    return load_archive(packed.archive, tmp_path / "unpacked")


def vectors_of(pipeline: Pipeline, texts: Sequence[str], **parameters: Any) -> Any:
    answers = pipeline.answer([ask(text, EmbeddingParameters(**parameters)) for text in texts])
    return np.array([value_of(answer) for answer in answers])


@pytest.mark.parametrize("normalize", [False, True])
def test_the_vectors_of_sentence_transformers(tmp_path: Path, normalize: bool) -> None:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    folder = make_static(tmp_path / "model", normalize=normalize, prompts={"query": "find the ship: "})
    pipeline = packed_into(tmp_path, folder)
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    found = vectors_of(pipeline, TEXTS)
    np.testing.assert_allclose(found, model.encode(TEXTS), rtol=0, atol=TOLERANCE)
    assert not found[TEXTS.index("")].any()
    asked = vectors_of(pipeline, TEXTS, prompt_name="query")
    np.testing.assert_allclose(asked, model.encode(TEXTS, prompt_name="query"), rtol=0, atol=TOLERANCE)
    cut = model.encode(TEXTS, truncate_dim=8, normalize_embeddings=True)
    np.testing.assert_allclose(vectors_of(pipeline, TEXTS, dimensions=8), cut, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("is_folded", "kind"), [(False, torch.float32), (True, torch.float32), (False, torch.float16), (True, torch.int8)]
)
def test_the_vectors_of_model2vec(tmp_path: Path, is_folded: bool, kind: torch.dtype) -> None:
    folder = make_model2vec(tmp_path / "model", is_folded=is_folded, kind=kind)
    found = vectors_of(packed_into(tmp_path, folder), TEXTS)
    np.testing.assert_allclose(found, model2vec(folder, TEXTS), rtol=0, atol=TOLERANCE)
    assert not found[TEXTS.index("")].any()


def test_model2vec_itself_answers_so(tmp_path: Path) -> None:
    """In a process of its own: the figures above are those of its rules, written with numpy."""
    folder = make_model2vec(tmp_path / "model", is_folded=True)
    program = (
        "import json, sys\nfrom model2vec import StaticModel\n"
        "model = StaticModel.from_pretrained(sys.argv[1])\n"
        "print(json.dumps(model.encode(json.load(sys.stdin)).tolist()))"
    )
    asked = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
    )
    found = vectors_of(packed_into(tmp_path, folder), TEXTS)
    np.testing.assert_allclose(found, json.loads(asked.stdout), rtol=0, atol=TOLERANCE)


def test_it_is_said_what_it_is(tmp_path: Path) -> None:
    folder = make_model2vec(tmp_path / "model", is_folded=False)
    pipeline = packed_into(tmp_path, folder)
    assert pipeline.describe()["engine"] == "static"
    facts = inspect_archive(tmp_path / "store" / "model.mar").facts
    assert (facts.architecture, facts.vector["size"], facts.max_tokens) == ("StaticEmbedding", WIDTH, 512)
    size = ModelSize.read(tmp_path / "store" / "model.mar")
    assert (size.hidden, size.vector_size) == (0, WIDTH)  # no layer's activations are counted


def test_a_token_is_left_out_of_every_text() -> None:
    tokens, bounds = leave_out(7, np.array([7, 1, 7, 2, 7]), np.array([0, 1, 3, 3, 5]))
    assert (tokens.tolist(), bounds.tolist()) == ([1, 2], [0, 0, 1, 1, 2])


def test_a_table_that_is_missing_is_told(tmp_path: Path) -> None:
    folder = make_static(tmp_path / "model")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(Refused, match=r"has no tokenizer\.json, without which static embeddings are nothing"):
        pack_checkpoint(folder, PackOptions(output=tmp_path))


@pytest.mark.parametrize("kind", ["Dense", "LayerNorm", "Dropout"])
def test_what_else_follows_the_table_is_refused(tmp_path: Path, kind: str) -> None:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer import modules as st  # noqa: PLC0415

    behind = {"Dense": st.Dense(WIDTH, 8), "LayerNorm": st.LayerNorm(WIDTH), "Dropout": st.Dropout()}
    model = SentenceTransformer(str(make_static(tmp_path / "model")), device="cpu", local_files_only=True)
    model.append(behind[kind])
    model.save_pretrained(str(tmp_path / "changed"), create_model_card=False)
    with pytest.raises(Refused, match=rf"is StaticEmbedding, {kind}; berth serves StaticEmbedding and perhaps"):
        pack_checkpoint(tmp_path / "changed", PackOptions(output=tmp_path))
