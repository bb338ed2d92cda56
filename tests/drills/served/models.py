"""The two models of the drills: the sample, and BERT-base with seeded random weights (438 MB)."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from berth.archive.content import MODEL_CONFIG, SUMS, Content
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from tests.support.checkpoints.large import make_bert_base


def pack_sample(folder: Path) -> Path:
    """bert.mar in `folder`: embeddings, 91 MB."""
    return pack_checkpoint(None, PackOptions(output=folder)).archive


def pack_bert_base(folder: Path) -> Path:
    """bert-base.mar in `folder`: a classifier, 438 MB."""
    checkpoint = make_bert_base(folder / "bert-base", Task.TEXT_CLASSIFICATION)
    return pack_checkpoint(checkpoint, PackOptions(output=folder)).archive


def unpack_with(archive: Path, changed: Mapping[str, object]) -> Path:
    """The archive's folder, as valid as it was, with other settings of TorchServe's in model-config.yaml."""
    folder = archive.with_name(f"{archive.stem}-changed")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    config = folder / MODEL_CONFIG
    settings = yaml.safe_load(config.read_text()) | dict(changed)
    config.write_text(yaml.safe_dump(settings, sort_keys=False))
    digests = dict(Content.from_sums((folder / SUMS).read_bytes()).digests)
    digests[MODEL_CONFIG] = hashlib.sha256(config.read_bytes()).hexdigest()
    (folder / SUMS).write_bytes(Content(digests=digests).to_sums())
    return folder
