"""LoRA adapters of several heads in one batch: each text is read as peft reads it with its own, unmerged."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from handler.config import HandlerConfig, Task
from handler.engine.heads.adapters import AdaptedLinear, Adapters
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.inputs import TextInput
from handler.payload import Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks.text_classification import ClassificationParameters
from tests.conftest import MakeCheckpoint
from tests.support.checkpoints.heads import answer_with_peft, is_head, load_with_peft, make_lora_head, make_sibling
from tests.support.plain_transformers import classify_one_by_one

pytest.importorskip("peft", reason="peft is not installed: pip install 'berth[lora]'")
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
TEXTS = ("hello world", "The tide turns at nine.", "A berth is the place where a ship lies. " * 6)
LABELS = {"topic": ("sport", "politics", "money"), "spam": ("ham", "spam")}
SETTINGS: dict[str, dict[str, Any]] = {
    "distilbert": {"target_modules": ["q_lin", "v_lin", "lin1"], "modules_to_save": ["pre_classifier", "classifier"]},
    "modernbert": {"target_modules": ["Wqkv", "Wo", "Wi"], "modules_to_save": ["head", "classifier"]},
}
CLASSES = ("bert", "roberta", "distilbert", "electra", "albert", "mpnet", "modernbert")


def put_loras(checkpoint: Path, base: Path, loras: dict[str, Path]) -> None:
    """Add to an archive's folder `checkpoint` the heads of these LoRAs, as berth pack does."""
    for name, lora in loras.items():
        own = checkpoint / "heads" / name
        own.mkdir(parents=True)
        for file in ("config.json", "adapter_config.json", "adapter_model.safetensors"):
            (own / file).write_bytes((lora / file).read_bytes())
        merged = load_with_peft(base, lora).merge_and_unload()
        weights = merged.state_dict()
        heads = {key: weights[key].contiguous() for key in weights if is_head(key, merged.base_model_prefix)}
        save_file(heads, own / "head.safetensors")


def load(checkpoint: MakeCheckpoint, folder: Path, architecture: str, engine: Engine) -> tuple[Pipeline, Any]:
    """A model with a head of its own and two LoRAs, and what transformers and peft answer for each of them."""
    base = checkpoint(architecture, Task.EMBEDDINGS)
    settings = SETTINGS.get(architecture, {"target_modules": "all-linear"})
    loras = {
        name: make_lora_head(base, folder / name, labels, seed=seed, r=4 + seed, **settings)
        for seed, (name, labels) in enumerate(LABELS.items())
    }
    served = make_sibling(base, folder / "checkpoint", ("bad", "good"), seed=9, task=Task.TEXT_CLASSIFICATION)
    put_loras(served, base, loras)
    config = HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=128, heads=("own", *LABELS))
    wanted = {name: answer_with_peft(base, lora, TEXTS) for name, lora in loras.items()}
    wanted["own"] = classify_one_by_one(served, TEXTS, config.max_tokens)
    return Pipeline(served, config, torch.device("cpu"), engine), wanted


def ask(head: str | None) -> Request:
    inputs = tuple(TextInput(text=text, param="/inputs") for text in TEXTS)
    return Request(inputs=inputs, parameters=ClassificationParameters(head=head, top_k=None))


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
@pytest.mark.parametrize("architecture", CLASSES)
def test_each_text_is_read_with_the_adapter_of_its_head(
    checkpoint: MakeCheckpoint, tmp_path: Path, architecture: str, engine: Engine
) -> None:
    served, wanted = load(checkpoint, tmp_path, architecture, engine)
    answers = dict(zip(["spam", "own", "topic"], served.answer([ask("spam"), ask("own"), ask("topic")]), strict=True))
    for name, known in wanted.items():
        answer = answers[name]
        assert not isinstance(answer, Rejected), answer.error.message
        for prediction, scores in zip(answer, known, strict=True):
            got: Any = prediction.value
            assert {each["label"]: each["score"] for each in got} == pytest.approx(scores, abs=1e-5)


def test_rows_of_one_adapter_are_one_run() -> None:
    adapters = Adapters()
    with adapters.reading([0, 0, 2, 2, 1], [3, 4, 1, 1, 5]):
        assert list(adapters.runs) == [(0, 7), (2, 2), (1, 5)]
    assert list(adapters.runs) == []
    with adapters.reading([0, 0], [3, 4]):
        assert list(adapters.runs) == []


def test_a_layer_that_reads_something_else_than_the_texts_is_an_error() -> None:
    adapters = Adapters()
    layer = AdaptedLinear(nn.Linear(4, 4), adapters)
    layer.add(1, torch.ones(1, 4), torch.ones(4, 1), 0.5)
    with adapters.reading([0, 1], [2, 3]), pytest.raises(NotImplementedError, match="something else than its texts"):
        layer(torch.ones(6, 4))
    inputs = torch.ones(5, 4)
    with adapters.reading([0, 1], [2, 3]), torch.inference_mode():
        added = layer(inputs) - layer.linear(inputs)
    torch.testing.assert_close(added, torch.tensor([[0.0] * 4] * 2 + [[2.0] * 4] * 3))
