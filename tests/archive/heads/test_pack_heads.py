"""`berth pack --head`: one encoder and several heads in an archive, proven, asked and refused."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers import pipeline as hf_pipeline

from berth.archive.unpack import unpack_once
from berth.cli.summary import render_packed
from berth.errors import BerthError, Refused, UsageError
from berth.memory.model_size import ModelSize
from berth.pack.heads.head import parse_heads
from berth.pack.options import PackOptions, WorkerOptions
from berth.pack.pack import Packed, pack_checkpoint
from berth.pack.proof import ask_archive
from handler.config import Task
from handler.precision import Precision
from handler.tasks.text_classification import ClassificationParameters
from tests.support.asking import ask, value_of
from tests.support.checkpoints.heads import make_sibling
from tests.support.equality.archives import load_archive

TEXTS = ["hello world", "The tide turns at nine."]
LABELS = {"topic": ("sport", "politics", "money", "weather"), "spam": ("ham", "spam")}
Siblings = dict[str, Path]


@pytest.fixture(scope="module")
def siblings(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Siblings:
    folder = tmp_path_factory.mktemp("siblings")
    return {
        name: make_sibling(tiny, folder / name, labels, seed=seed, task=Task.TEXT_CLASSIFICATION)
        for seed, (name, labels) in enumerate(LABELS.items())
    }


@pytest.fixture(scope="module")
def packed(tiny: Path, siblings: Siblings, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return pack(tiny, siblings, tmp_path_factory.mktemp("store"))


def pack(base: Path, heads: Siblings, output: Path, **options: Any) -> Packed:
    given = tuple((name, str(folder)) for name, folder in heads.items())
    return pack_checkpoint(base, PackOptions(output=output, heads=given, **options))


def check_answers(archive: Path, unpacked: Path, heads: Mapping[Any, Path]) -> None:
    """Each head answers as plain transformers does with its own checkpoint."""
    served = load_archive(archive, unpacked)
    for name, checkpoint in heads.items():
        asked = ClassificationParameters(top_k=None, head=name)
        answers = served.answer([ask(text, asked) for text in TEXTS])
        plain: Any = hf_pipeline("text-classification", str(checkpoint), top_k=None, device="cpu")
        for got, wanted in zip(map(value_of, answers), plain(TEXTS), strict=True):
            assert [each["label"] for each in got] == [each["label"] for each in wanted]
            assert [each["score"] for each in got] == pytest.approx([each["score"] for each in wanted], abs=1e-5)


def test_each_head_of_an_archive_answers_as_its_checkpoint(
    packed: Packed, tiny: Path, siblings: Siblings, tmp_path: Path
) -> None:
    check_answers(packed.archive, tmp_path / "unpacked", {None: tiny, "tiny": tiny, **siblings})


def test_the_weights_of_the_encoder_are_in_it_once(packed: Packed, tiny: Path, siblings: Siblings) -> None:
    whole = ModelSize.read(packed.archive)
    alone = sum(each.numel() for each in load_file(tiny / "model.safetensors").values())
    poolers = 2 * 64 * 64  # their biases are zero, as the base's, which are shared
    classifiers = sum((64 + 1) * len(labels) for labels in LABELS.values())
    assert whole.num_weights == alone + poolers + classifiers
    assert whole.num_labels == 3 + 4 + 2


def test_the_summary_names_every_head_with_its_labels(packed: Packed) -> None:
    lines = render_packed(packed).splitlines()
    assert [line.split(maxsplit=2)[1:] for line in lines if line.strip().startswith("head")] == [
        ["tiny", "3: negative, neutral, positive"],
        ["topic", "4: sport, politics, money, weather"],
        ["spam", "2: ham, spam"],
    ]


def test_a_second_pack_is_the_same_bytes(packed: Packed, tiny: Path, siblings: Siblings, tmp_path: Path) -> None:
    assert pack(tiny, siblings, tmp_path).archive.read_bytes() == packed.archive.read_bytes()


def test_known_answers_of_every_head_are_proven_when_a_worker_loads(packed: Packed, tmp_path: Path) -> None:
    folder = unpack_once(packed.archive, tmp_path)
    weights = folder / "checkpoint" / "heads" / "spam" / "head.safetensors"
    changed = {name: tensor + 0.01 for name, tensor in load_file(weights).items()}
    weights.unlink()
    save_file(changed, weights)
    with pytest.raises(Refused, match="does not give the answers recorded"):
        ask_archive(folder, TEXTS, {})


def test_a_bare_encoder_takes_heads_and_the_first_answers(tiny: Path, siblings: Siblings, tmp_path: Path) -> None:
    base = tmp_path / "base"
    AutoModelForMaskedLM.from_pretrained(tiny).save_pretrained(base)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(base)
    archive = pack(base, siblings, tmp_path / "store").archive
    assert archive.name == "base.mar"
    check_answers(archive, tmp_path / "cache", {None: siblings["topic"], **siblings})


def test_heads_label_tokens_too(checkpoint: Any, tmp_path: Path) -> None:
    base, labels = checkpoint("distilbert", Task.TOKEN_CLASSIFICATION), ("O", "B-DRUG", "I-DRUG")
    drugs = make_sibling(base, tmp_path / "drugs", labels, seed=3, task=Task.TOKEN_CLASSIFICATION)
    archive = pack(base, {"drugs": drugs}, tmp_path / "store").archive
    asked = ask_archive(unpack_once(archive, tmp_path / "cache"), TEXTS, {"head": "drugs"})
    plain: Any = hf_pipeline("token-classification", str(drugs), device="cpu")
    for got, wanted in zip(asked.results, plain(TEXTS), strict=True):
        assert [(each["word"], each["entity"]) for each in got] == [(each["word"], each["entity"]) for each in wanted]
        assert [each["score"] for each in got] == pytest.approx([each["score"] for each in wanted], abs=1e-5)


def damage_encoder(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["bert.encoder.layer.1.output.dense.weight"][0, 0] += 1e-6
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def other_tokenizer(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    content["normalizer"] = {"type": "Lowercase"}
    (folder / "tokenizer.json").write_text(json.dumps(content))


def shorter(folder: Path) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 64}))


def in_half(folder: Path) -> None:
    AutoModelForSequenceClassification.from_pretrained(folder).half().save_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage_encoder, "bert.encoder.layer.1.output.dense.weight in .* is not the base's, so its encoder is another"),
        (other_tokenizer, "tokenizer.json is not the base's"),
        (shorter, "it takes 64 tokens and the base 512"),
        (in_half, "is stored in F16 in .*, and in F32 in the base"),
        (shutil.rmtree, "--head topic: .* is not there"),
    ],
)
def test_a_head_that_cannot_share_the_encoder_is_refused(
    tiny: Path, siblings: Siblings, tmp_path: Path, change: Any, said: str
) -> None:
    folder = shutil.copytree(siblings["topic"], tmp_path / "topic")
    change(folder)
    with pytest.raises(Refused, match=said):
        pack(tiny, {"topic": folder}, tmp_path / "store")
    assert not list((tmp_path / "store").glob("*"))


def test_a_model_of_another_task_takes_no_heads(siblings: Siblings, checkpoint: Any, tmp_path: Path) -> None:
    base = checkpoint("bert", Task.TEXT_CLASSIFICATION)
    with pytest.raises(Refused, match="for embeddings has one head, and only text-classification and"):
        pack(base, siblings, tmp_path, task=Task.EMBEDDINGS)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["topic"], "write NAME=FOLDER"),
        (["=./topic"], "write NAME=FOLDER"),
        (["a/b=./topic"], "a name has letters"),
        (["a=./topic", "a=./spam"], "--head a is given twice"),
    ],
)
def test_a_head_is_a_name_and_a_folder(values: Sequence[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_heads(values)
    assert parse_heads(["a=./x=y", "b=gs://z"]) == (("a", "./x=y"), ("b", "gs://z"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "topic"}, "the archive has this name already"),
        ({"worker": WorkerOptions(precision=Precision.FASTEST)}, "fastest is proven for one head"),
    ],
)
def test_what_does_not_go_with_heads_is_said(
    tiny: Path, siblings: Siblings, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(BerthError, match=said):
        pack(tiny, siblings, tmp_path, **options)
