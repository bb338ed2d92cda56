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


def pack_sample(folder: Path) -> Path:
    """bert.mar in `folder`: embeddings, 91 MB."""
    return pack_checkpoint(None, PackOptions(output=folder)).archive


def pack_bert_base(folder: Path) -> Path:
    """bert-base.mar in `folder`: a classifier, 438 MB."""
    checkpoint = make_bert_base(folder / "bert-base", Task.TEXT_CLASSIFICATION)
    return pack_checkpoint(checkpoint, PackOptions(output=folder)).archive


LEAK = """

_held = []
_handle = BertHandler.handle


def _leak(self, data, context):
    _held.extend(b"x" * {bytes} for fields in data if fields.get("body"))  # health checks have none
    return _handle(self, data, context)


BertHandler.handle = _leak
"""


def unpack_with(archive: Path, changed: Mapping[str, object]) -> Path:
    """The archive's folder, as valid as it was, with other settings of TorchServe's in model-config.yaml."""
    with zipfile.ZipFile(archive) as opened:
        settings = yaml.safe_load(opened.read(MODEL_CONFIG)) | dict(changed)
    return _unpack(archive, MODEL_CONFIG, yaml.safe_dump(settings, sort_keys=False))


def unpack_leaking(archive: Path, leak_bytes: int) -> Path:
    """The same with a handler that keeps so many bytes of each request for ever."""
    with zipfile.ZipFile(archive) as opened:
        source = opened.read(HANDLER).decode()
    return _unpack(archive, HANDLER, source + LEAK.format(bytes=leak_bytes))


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
