"""A sentence-transformers checkpoint, packed and unpacked, embeds as sentence-transformers does."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from berth.archive.verify import read_archive
from berth.memory.model_size import ModelSize
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.choose_engine import load_pipeline
from handler.config import Device, HandlerConfig
from handler.known_answers import load_known_answers
from handler.tasks import TASKS
from handler.tasks.embeddings import EmbeddingParameters
from handler.worker.environment import Environment
from tests.support.asking import ask, value_of
from tests.support.checkpoints.sentence_transformers import DenseLayer, make_sentence_checkpoint
from tests.support.texts import mixed_texts

TOLERANCE = 1e-5


def lower_cased(folder: Path) -> None:
    """Say so as bge-small-en-v1.5 does (its sentence_bert_config.json); where its tokenizer lowers, nothing changes."""
    path = folder / "sentence_bert_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"do_lower_case": True}))


CASED = "roberta"


@pytest.mark.parametrize(
    ("architecture", "pooling", "dense", "width"),
    [
        ("bert", "mean", [DenseLayer(32)], 32),
        ("bert", ("weightedmean", "cls", "max"), ["LayerNorm"], 192),
        (CASED, ("mean_sqrt_len_tokens", "mean"), [], 128),
        ("mpnet", "lasttoken", ["LayerNorm", DenseLayer(32), "Dropout"], 32),
    ],
)
def test_modules_and_prompts_travel(
    tmp_path: Path, architecture: str, pooling: str | tuple[str, ...], dense: list[DenseLayer | str], width: int
) -> None:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds

    folder = make_sentence_checkpoint(
        tmp_path / "model",
        architecture=architecture,
        pooling=pooling,
        dense=dense,
        normalize=True,
        truncate_dim=24,
        prompts={"query": "Query: "},
    )
    lower_cased(folder)
    archive, unpacked = pack_checkpoint(folder, PackOptions(output=tmp_path)).archive, tmp_path / "unpacked"
    unpacked.mkdir()
    read_archive(archive, unpacked)
    config = HandlerConfig.from_mapping(yaml.safe_load((unpacked / "model-config.yaml").read_text())["handler"])
    known = load_known_answers(unpacked / "known_answers.json", TASKS[config.task])
    environment = Environment(device=Device.CPU, cores=2, max_response_bytes=2**24)
    pipeline = load_pipeline(unpacked / "checkpoint", config, environment, None, known)
    assert ModelSize.read(archive).vector_size == pipeline._model.vector_size == width
    reference, texts = SentenceTransformer(str(folder), device="cpu"), mixed_texts(8)
    for parameters, expected in (
        (EmbeddingParameters(), reference.encode(texts)),
        (EmbeddingParameters(prompt_name="query"), reference.encode(texts, prompt_name="query")),
        (EmbeddingParameters(dimensions=8), reference.encode(texts, truncate_dim=8, normalize_embeddings=True)),
        (EmbeddingParameters(dimensions=width), reference.encode(texts, truncate_dim=width)),
    ):
        answers = pipeline.answer([ask(text, parameters) for text in texts])
        np.testing.assert_allclose([value_of(answer) for answer in answers], expected, rtol=0, atol=TOLERANCE)
