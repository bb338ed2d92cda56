"""What an archive holds, and the list of digests that identifies it. PURE: no disk, no environment."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handler.config import HandlerConfig, Precision
from handler.errors import ConfigError

from .checkpoint import Checkpoint
from .errors import Refused, UsageError
from .layout import check_name

MANIFEST = "MAR-INF/MANIFEST.json"
SUMS = "MAR-INF/SHA256SUMS"
CHECKPOINT = "checkpoint"
KNOWN_ANSWERS = "known_answers.json"
MODEL_CONFIG = "model-config.yaml"
REQUIREMENTS = "requirements.txt"
HANDLER = "handler.bert_handler"
# The distributions whose code answers in the worker; a test holds handler/'s imports against them.
HANDLER_PACKAGES = (
    "captum",
    "msgspec",
    "numpy",
    "packaging",
    "psutil",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)
# TorchServe's side of model-config.yaml. maxBatchDelay in ms (0 would mean 100): a full queue becomes full
# batches, and a lone request waits 1 ms. Time-outs in seconds: 64 texts of 512 tokens take BERT-base about
# 50 s on 2 cores; a worker that keeps dying shows in /ping after 30 s, where the default of 300 hides it.
SERVER_SETTINGS = {
    "batchSize": 64,
    "maxBatchDelay": 1,
    "responseTimeout": 60,
    "startupTimeout": 300,
    "maxRetryTimeoutInSec": 30,
}
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive: its path there, and the file or the bytes that it comes from."""

    name: str
    source: Path | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePlan:
    """Every member but the digest list, which only writing can know; sorted by name."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceAnswers:
    """A few inputs and the numbers that plain transformers gives for them, rounded to 1e-6; the worker must agree."""

    inputs: tuple[object, ...]
    parameters: Mapping[str, object]
    answers: tuple[object, ...]

    def to_json(self) -> bytes:
        """The member known_answers.json."""
        value = {"inputs": self.inputs, "parameters": self.parameters, "answers": self.answers}
        return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the user may choose of a worker's size."""

    precision: Precision = Precision.AUTO
    token_budget: int | None = None
    """None: what suits the device."""
    batch_size: int = SERVER_SETTINGS["batchSize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packer:
    """What the packing machine and its user add to a checkpoint."""

    handler_files: Mapping[str, Path]
    """Member path (`handler/...`) -> source file."""
    versions: Mapping[str, str]
    """Public versions of HANDLER_PACKAGES."""
    ranges: tuple[str, ...]
    """Version ranges of HANDLER_PACKAGES, as setup.cfg declares them."""
    created: datetime
    sizes: Sizes = Sizes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an archive holds, once verified."""

    digests: Mapping[str, str]
    """Member -> sha256 (hex), the digest list itself excepted."""

    @property
    def id(self) -> str:
        """The sha256 (hex) of the digest list: equal for equal content."""
        return hashlib.sha256(self.to_sums()).hexdigest()

    def to_sums(self) -> bytes:
        """The digest list, sorted, as `sha256sum` writes it: `sha256sum -c` checks an unpacked archive."""
        return "".join(f"{digest}  {name}\n" for name, digest in sorted(self.digests.items())).encode()

    @classmethod
    def from_sums(cls, sums: bytes) -> "Content":
        """What a digest list names; Refused unless it is exactly as `to_sums` writes it."""
        lines = [_SUM.fullmatch(line) for line in sums.decode("ascii", "replace").splitlines()]
        content = cls(digests={line[2]: line[1] for line in lines if line})
        for name in content.digests:
            check_name(name)
        if content.to_sums() != sums or not content.digests:
            raise Refused(f"member {SUMS} is altered: it is no sorted list of digests and paths")
        return content


def plan_archive(
    checkpoint: Checkpoint, answers: ReferenceAnswers, packer: Packer, *, name: str, version: str
) -> ArchivePlan:
    """The members of the archive NAME.mar."""
    sources: dict[str, Path | bytes] = {
        **{f"{CHECKPOINT}/{file}": checkpoint.root / file for file in checkpoint.files},
        **packer.handler_files,
        KNOWN_ANSWERS: answers.to_json(),
        MANIFEST: _manifest(name, version, packer.created),
        MODEL_CONFIG: _model_config(checkpoint, packer.ranges, packer.sizes),
        REQUIREMENTS: _requirements(packer.versions),
    }
    for member in sources:
        check_name(member)
    return ArchivePlan(members=tuple(Member(name=member, source=sources[member]) for member in sorted(sources)))


def _manifest(name: str, version: str, created: datetime) -> bytes:
    """MANIFEST.json by torch-model-archiver's own classes, its clock excepted."""
    from model_archiver.manifest_components.manifest import Manifest, RuntimeType  # noqa: PLC0415 - only when packing
    from model_archiver.manifest_components.model import Model  # noqa: PLC0415

    model = Model(
        model_name=name,
        serialized_file=None,
        handler=HANDLER,
        model_version=version,
        requirements_file=REQUIREMENTS,
        config_file=MODEL_CONFIG,
    )
    manifest = Manifest(RuntimeType.PYTHON, model)
    manifest.manifest_dict["createdOn"] = created.strftime("%d/%m/%Y %H:%M:%S")  # Manifest's own format
    return f"{manifest}\n".encode()


def _model_config(checkpoint: Checkpoint, ranges: Sequence[str], sizes: Sizes) -> bytes:
    import yaml  # noqa: PLC0415

    config = HandlerConfig(
        task=checkpoint.task,
        max_tokens=checkpoint.max_tokens,
        token_budget=sizes.token_budget,
        precision=sizes.precision,
        pooling=checkpoint.pooling,
        dense=checkpoint.dense,
        normalize=checkpoint.normalize,
        prompts=checkpoint.prompts,
        default_prompt=checkpoint.default_prompt,
        score_function=checkpoint.score_function,
        requires=tuple(ranges),
    )
    handler = config.to_mapping()
    try:
        HandlerConfig.from_mapping(handler)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    settings = {**SERVER_SETTINGS, "batchSize": sizes.batch_size, "handler": handler}
    return yaml.safe_dump(settings, sort_keys=False).encode()


def _requirements(versions: Mapping[str, str]) -> bytes:
    return "".join(f"{package}=={version}\n" for package, version in sorted(versions.items())).encode()
