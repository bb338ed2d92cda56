"""BERT-base classifiers that were trained with a frozen encoder: its 438 MB lie on the disk once, in hard links."""

import json
import os
from pathlib import Path

from handler.config import Task

ENCODER, HEAD = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"
SEED = 20


def make_siblings(folder: Path, count: int) -> list[Path]:
    """Checkpoints of 2 to 6 labels each, random and seeded, whose encoder is the same."""
    from tests.support.checkpoints.large import make_bert_base  # noqa: PLC0415 - `--help` answers at once

    first = make_bert_base(folder / "head-0", Task.TEXT_CLASSIFICATION)
    _split(first)
    return [first, *(_make_sibling(first, folder / f"head-{number}", number) for number in range(1, count))]


def _split(checkpoint: Path) -> None:
    """Put the encoder's tensors in one file, and those of the head in another."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    weights = load_file(checkpoint / "model.safetensors")
    place = {name: HEAD if name.startswith(("bert.pooler", "classifier")) else ENCODER for name in weights}
    for file in (ENCODER, HEAD):
        save_file({name: weights[name] for name in weights if place[name] == file}, checkpoint / file, {"format": "pt"})
    (checkpoint / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": place}), "utf-8")
    (checkpoint / "model.safetensors").unlink()


def _make_sibling(first: Path, folder: Path, number: int) -> Path:
    """A checkpoint with a pooler, a classifier and labels of its own."""
    import torch  # noqa: PLC0415
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    folder.mkdir()
    for file in first.iterdir():
        if file.name not in (HEAD, "config.json"):
            os.link(file, folder / file.name)
    num_labels = 2 + number % 5
    torch.manual_seed(SEED + number)
    weights = {name: torch.randn_like(tensor) * 0.02 for name, tensor in load_file(first / HEAD).items()}
    weights |= {"classifier.weight": torch.randn(num_labels, 768) * 0.02, "classifier.bias": torch.zeros(num_labels)}
    save_file(weights, folder / HEAD, {"format": "pt"})
    labels = {str(label): f"head {number} label {label}" for label in range(num_labels)}
    config = json.loads((first / "config.json").read_text("utf-8"))
    config |= {"id2label": labels, "label2id": {name: int(label) for label, name in labels.items()}}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder
