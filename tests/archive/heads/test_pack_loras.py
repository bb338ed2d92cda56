"""`berth pack --head` with LoRAs: they stay apart, and each text is read with its own, as peft reads it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel

from berth.archive.unpack import unpack_once
from berth.errors import Refused
from berth.memory.model_size import ModelSize
from berth.pack.options import PackOptions
from berth.pack.pack import Packed, pack_checkpoint
from handler.config import HandlerConfig, Task
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.inputs import TextInput
from handler.parameters import ExplanationParameters, Parameters
from handler.payload import Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks.text_classification import ClassificationParameters
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.heads import answer_with_peft, make_lora_head, make_sibling

pytest.importorskip("peft", reason="peft is not installed: pip install 'berth[lora]'")
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
TEXTS = ("hello world", "The tide turns at nine.", "A berth is the place where a ship lies. " * 6, "hello world")
LABELS = {"topic": ("sport", "politics", "money", "weather"), "spam": ("ham", "spam")}
SETTINGS: dict[str, dict[str, Any]] = {
    "topic": {"target_modules": ["query", "value"]},
    "spam": {"target_modules": "all-linear", "r": 8, "use_rslora": True, "modules_to_save": ["classifier"]},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("bases") / "base", "bert", Task.EMBEDDINGS)


@pytest.fixture(scope="module")
def loras(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("loras")
    return {
        name: make_lora_head(base, folder / name, labels, seed=seed, **SETTINGS[name])
        for seed, (name, labels) in enumerate(LABELS.items())
    }


@pytest.fixture(scope="module")
def frozen(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frozen") / "frozen"
    return make_sibling(base, folder, ("bad", "good"), seed=7, task=Task.TEXT_CLASSIFICATION)


@pytest.fixture(scope="module")
def packed(base: Path, loras: dict[str, Path], frozen: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return pack(base, {**loras, "frozen": frozen}, tmp_path_factory.mktemp("store"))


def pack(base: Path, heads: dict[str, Path], output: Path) -> Packed:
    given = tuple((name, str(folder)) for name, folder in heads.items())
    return pack_checkpoint(base, PackOptions(output=output, heads=given))


def load(archive: Path, cache: Path, names: Sequence[str], engine: Engine = Engine.PACKED) -> Pipeline:
    config = HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=512, heads=tuple(names))
    return Pipeline(unpack_once(archive, cache) / "checkpoint", config, torch.device("cpu"), engine)


def ask(parameters: Parameters) -> Request:
    return Request(inputs=tuple(TextInput(text=text, param="/inputs") for text in TEXTS), parameters=parameters)


def scores(answer: Any) -> list[dict[str, float]]:
    assert not isinstance(answer, Rejected), answer.error.message
    return [{each["label"]: each["score"] for each in prediction.value} for prediction in answer]


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_texts_of_one_batch_are_read_each_with_its_own_adapter(  # noqa: PLR0917 - fixtures
    packed: Packed, base: Path, loras: dict[str, Path], frozen: Path, tmp_path: Path, engine: Engine
) -> None:
    served = load(packed.archive, tmp_path, ("topic", "spam", "frozen"), engine)
    names = ["topic", "frozen", "spam", None]  # the first answers by default
    answers = served.answer([ask(ClassificationParameters(head=name, top_k=None)) for name in names])
    wanted = {name: answer_with_peft(base, folder, TEXTS) for name, folder in loras.items()}
    alone = load_alone(frozen)
    for name, answer in zip(names, answers, strict=True):
        expected = alone if name == "frozen" else wanted[name or "topic"]
        for got, known in zip(scores(answer), expected, strict=True):
            assert got == pytest.approx(known, abs=1e-5)


def load_alone(folder: Path) -> list[dict[str, float]]:
    from transformers import pipeline as hf_pipeline  # noqa: PLC0415

    plain: Any = hf_pipeline("text-classification", str(folder), top_k=None, device="cpu")
    return [{each["label"]: each["score"] for each in ranked} for ranked in plain(list(TEXTS))]


def test_an_adapter_changes_what_is_read(packed: Packed, base: Path, loras: dict[str, Path], tmp_path: Path) -> None:
    """Or the others would prove nothing."""
    with_it = answer_with_peft(base, loras["topic"], TEXTS)
    without = shutil.copytree(loras["topic"], tmp_path / "without")
    settings = json.loads((without / "adapter_config.json").read_text())
    (without / "adapter_config.json").write_text(json.dumps(settings | {"lora_alpha": 0}))
    assert with_it[0] != pytest.approx(answer_with_peft(base, without, TEXTS)[0], abs=1e-2)


def test_the_base_is_in_the_archive_once_and_unmerged(packed: Packed, base: Path, tmp_path: Path) -> None:
    whole = sum(each.numel() for each in AutoModel.from_pretrained(base).state_dict().values())
    assert whole < ModelSize.read(packed.archive).num_weights < 1.1 * whole
    assert [note for note in packed.prepared.notes if "LoRA" in note] == [
        "head topic is a LoRA and stays one",
        "head spam is a LoRA and stays one",
    ]


def test_a_lora_behind_a_checkpoint_with_its_own_head(
    base: Path, loras: dict[str, Path], frozen: Path, tmp_path: Path
) -> None:
    archive = pack(frozen, {"topic": loras["topic"]}, tmp_path / "store").archive
    served = load(archive, tmp_path / "cache", ("frozen", "topic"))
    answers = served.answer([ask(ClassificationParameters(head=name, top_k=None)) for name in (None, "topic")])
    for answer, expected in zip(
        answers, (load_alone(frozen), answer_with_peft(base, loras["topic"], TEXTS)), strict=True
    ):
        for got, known in zip(scores(answer), expected, strict=True):
            assert got == pytest.approx(known, abs=1e-5)


def test_an_explanation_is_made_with_the_adapter(
    packed: Packed, base: Path, loras: dict[str, Path], tmp_path: Path
) -> None:
    served = load(packed.archive, tmp_path, ("topic", "spam", "frozen"))
    request = ask(ExplanationParameters(head="spam", target="ham", n_steps=2))
    (answer,) = served.answer([request])
    assert not isinstance(answer, Rejected), answer.error.message
    wanted = answer_with_peft(base, loras["spam"], TEXTS)
    for prediction, known in zip(answer, wanted, strict=True):
        assert prediction.value["score"] == pytest.approx(known["ham"], abs=1e-5)  # type: ignore[index]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "has use_dora, and only a plain LoRA shares a base"),
        ({"bias": "all"}, "bias, which no plain LoRA of linear layers has"),
        ({"modules_to_save": ["classifier", "intermediate"]}, "bias, which no plain LoRA of linear layers has"),
        ({"rank_pattern": {"query": 2}}, "has rank_pattern"),
    ],
)
def test_what_is_no_plain_lora_is_refused(base: Path, tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    lora = make_lora_head(base, tmp_path / "lora", LABELS["spam"], seed=1, **settings)
    with pytest.raises(Refused, match=said):
        pack(base, {"spam": lora}, tmp_path / "store")


def test_a_type_of_model_that_needs_more_than_a_texts_rows_is_refused(tmp_path: Path) -> None:
    base = make_checkpoint(tmp_path / "base", "deberta-v2", Task.EMBEDDINGS)
    lora = make_lora_head(base, tmp_path / "lora", LABELS["spam"], seed=1, target_modules=["query_proj"])
    with pytest.raises(Refused, match="a deberta-v2 is not read with one LoRA for each text"):
        pack(base, {"spam": lora}, tmp_path / "store")


def test_a_lora_of_another_base_is_refused(base: Path, loras: dict[str, Path], tmp_path: Path) -> None:
    other = shutil.copytree(base, tmp_path / "other")
    model = AutoModel.from_pretrained(base)
    torch.nn.init.ones_(model.encoder.layer[0].output.dense.weight)
    model.save_pretrained(other)
    with pytest.raises(Refused, match=r"layer.0.output.dense.weight in .* is not the base's"):
        pack(other, {"topic": loras["topic"]}, tmp_path / "store")
