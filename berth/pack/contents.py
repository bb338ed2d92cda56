"""What goes into an archive: checkpoint, handler, settings and known answers. PURE: no disk, no environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from handler.config import HandlerConfig
from handler.errors import ConfigError

from ..archive.content import (
    CHECKPOINT,
    HANDLER,
    HEADS,
    KNOWN_ANSWERS,
    MANIFEST,
    MODEL_CONFIG,
    REQUIREMENTS,
    SERVER_SETTINGS,
    ArchivePlan,
    Member,
)
from ..archive.form import SECTION, form_section
from ..archive.zip_layout import check_name
from ..errors import UsageError
from .checkpoint import Checkpoint
from .options import WorkerOptions

# The distributions whose code answers in the worker; a test holds handler/'s imports against them.
HANDLER_PACKAGES = (
    "captum",
    "msgspec",
    "numpy",
    "orjson",
    "packaging",
    "psutil",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceAnswers:
    """A few inputs and the numbers that plain transformers gives for them, rounded to 1e-6; the worker must agree."""

    inputs: tuple[object, ...]
    parameters: Mapping[str, object]
    answers: tuple[object, ...]
    golden_inputs: tuple[object, ...] = ()
    """Others of the same form, which a faster precision is held to; not in the archive."""
    heads: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """What further heads answer to the same inputs, by their names."""
    prompted: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """What is answered to the same inputs behind other prompts than the default one, by their names."""
    left_out: tuple[str, ...] = ()
    """Which of the checkpoint's weights the task does not use, a sentence each; not in the archive."""

    def to_json(self) -> bytes:
        """The member known_answers.json."""
        value: dict[str, object] = {"inputs": self.inputs, "parameters": self.parameters, "answers": self.answers}
        value |= {"heads": self.heads} if self.heads else {}
        value |= {"prompted": self.prompted} if self.prompted else {}
        return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerSource:
    """What the packing machine and its user add to a checkpoint."""

    handler_files: Mapping[str, Path]
    """Member path (`handler/...`) -> source file."""
    versions: Mapping[str, str]
    """Public versions of HANDLER_PACKAGES."""
    ranges: tuple[str, ...]
    """Version ranges of HANDLER_PACKAGES, as setup.cfg declares them."""
    created: datetime
    worker: WorkerOptions = field(default_factory=WorkerOptions)
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where the checkpoint came from: `source` and `revision` of one of the Hub; empty for a local one."""


def plan_archive(
    checkpoint: Checkpoint, answers: ReferenceAnswers, source: HandlerSource, *, name: str, version: str
) -> ArchivePlan:
    """The members of the archive NAME.mar."""
    sources: dict[str, Path | bytes] = {
        **{f"{CHECKPOINT}/{file}": checkpoint.root / file for file in checkpoint.files},
        **{
            f"{CHECKPOINT}/{HEADS}/{head}/{file}": path
            for head, files in checkpoint.head_files.items()
            for file, path in files.items()
        },
        **source.handler_files,
        KNOWN_ANSWERS: answers.to_json(),
        MANIFEST: _manifest(name, version, source.created),
        MODEL_CONFIG: _model_config(checkpoint, source),
        REQUIREMENTS: _requirements(source.versions),
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


def _model_config(checkpoint: Checkpoint, source: HandlerSource) -> bytes:
    """model-config.yaml: what TorchServe, the handler and berth itself are told."""
    import yaml  # noqa: PLC0415 - only when packing

    config = HandlerConfig(
        task=checkpoint.task,
        max_tokens=checkpoint.max_tokens,
        token_budget=source.worker.token_budget,
        precision=source.worker.precision,
        cpu_precisions=source.worker.cpu_precisions,
        int8_kept=source.worker.int8_kept,
        cpu_refused=source.worker.cpu_refused,
        pooling=checkpoint.pooling,
        dense=checkpoint.dense,
        normalize=checkpoint.normalize,
        truncate_dim=checkpoint.truncate_dim,
        prompts=checkpoint.prompts,
        default_prompt=checkpoint.default_prompt,
        vectors=checkpoint.vectors,
        score_function=checkpoint.score_function,
        spans=checkpoint.spans,
        candidates=checkpoint.candidates,
        heads=checkpoint.heads,
        requires=source.ranges,
    )
    handler = config.to_mapping()
    try:
        HandlerConfig.from_mapping(handler)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    section = form_section(source.origin)
    settings = {SECTION: section, **SERVER_SETTINGS, "batchSize": source.worker.batch_size, "handler": handler}
    return yaml.safe_dump(settings, sort_keys=False).encode()


def _requirements(versions: Mapping[str, str]) -> bytes:
    """requirements.txt: the versions with which the archive was proven."""
    return "".join(f"{package}=={version}\n" for package, version in sorted(versions.items())).encode()
