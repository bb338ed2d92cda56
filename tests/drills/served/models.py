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

HANDLER = "handler/bert_handler.py"


def pack_sample(folder: Path, version: str = "1.0") -> Path:
    """bert.mar in `folder`: embeddings, 91 MB."""
    return pack_checkpoint(None, PackOptions(output=folder, version=version)).archive


def pack_bert_base(folder: Path) -> Path:
    """bert-base.mar in `folder`: a classifier, 438 MB."""
    checkpoint = make_bert_base(folder / "bert-base", Task.TEXT_CLASSIFICATION)
    return pack_checkpoint(checkpoint, PackOptions(output=folder)).archive


TROUBLED = """

import time

_held = []
_handle = BertHandler.handle


def _trouble(self, data, context):
    for fields in data:
        if "river" in str(fields.get("body")):  # of every request of the drills' clients, and of no check
            {trouble}
    return _handle(self, data, context)


BertHandler.handle = _trouble
"""
LEAKS = TROUBLED.format(trouble='_held.append(b"x" * 1024**2)')
FAILS = TROUBLED.format(trouble='raise RuntimeError("a fault of this version")')
IS_SLOW = TROUBLED.format(trouble="time.sleep(1.0)")


def unpack_with(archive: Path, changed: Mapping[str, object]) -> Path:
    """The archive's folder, as valid as it was, with other settings of TorchServe's in model-config.yaml."""
    with zipfile.ZipFile(archive) as opened:
        settings = yaml.safe_load(opened.read(MODEL_CONFIG)) | dict(changed)
    return _unpack(archive, MODEL_CONFIG, yaml.safe_dump(settings, sort_keys=False))


def unpack_with_trouble(archive: Path, trouble: str) -> Path:
    """The archive's folder, as valid as it was, with LEAKS, FAILS or IS_SLOW behind its handler."""
    with zipfile.ZipFile(archive) as opened:
        source = opened.read(HANDLER).decode()
    return _unpack(archive, HANDLER, source + trouble)


def _unpack(archive: Path, member: str, text: str) -> Path:
    """The archive's folder with another text in one of its members."""
    folder = archive.with_name(f"{archive.stem}-changed")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    (folder / member).write_text(text)
    digests = dict(Content.from_sums((folder / SUMS).read_bytes()).digests)
    digests[member] = hashlib.sha256(text.encode()).hexdigest()
    (folder / SUMS).write_bytes(Content(digests=digests).to_sums())
    return folder
