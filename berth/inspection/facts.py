"""The facts of an archive, read from its members: nothing is verified, run or loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handler.config import HandlerConfig, Task
from handler.vectors.settings import kinds_of

from ..archive.content import CHECKPOINT, MANIFEST, MODEL_CONFIG
from ..archive.form import SECTION
from ..archive.members import Members
from ..memory.model_size import ModelSize, head_shapes

LABELLED = frozenset({Task.TEXT_CLASSIFICATION, Task.TOKEN_CLASSIFICATION, Task.ZERO_SHOT_CLASSIFICATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One archive's model and settings; what its handler does not have is None or empty."""

    name: str
    version: str
    source: str | None
    """The Hub's name of the checkpoint, where it came from there."""
    revision: str | None
    """The commit of the Hub that was packed."""
    berth: str | None
    """The version of berth that packed it."""
    task: str
    architecture: str
    num_parameters: int
    weight_types: tuple[str, ...]
    """safetensors' names of the weights' types."""
    labels: tuple[str, ...]
    heads: Mapping[str, tuple[str, ...]]
    """The labels of each head by its name, the one that answers by default first; empty where there is only one."""
    vector: Mapping[str, object]
    """Embeddings only: how the tokens' vectors become one, and how many numbers it has."""
    spans: Mapping[str, object]
    """GLiNER only: how words and types of entities are read."""
    candidates: Mapping[str, object]
    """GLiClass only: how candidate labels are read and scored."""
    precision: str
    cpu_precisions: Mapping[str, float]
    """What `fastest` may choose on a CPU, with the measure that packing took."""
    int8_kept: tuple[int, ...]
    """The layers that stay in fp32 in int8."""
    cpu_refused: Mapping[str, str]
    """What packing tried and did not prove, and why."""
    max_tokens: int
    token_budget: int | None
    """None: what suits the device."""
    batch_size: int
    content_bytes: int
    """Bytes of all members, unpacked."""


def read_facts(members: Members) -> Facts:
    """The facts that the members say; KeyError, ValueError or TypeError where no berth wrote them."""
    import yaml  # noqa: PLC0415 - `berth --help` answers at once

    settings = yaml.safe_load(members.read(MODEL_CONFIG))
    section, size = settings.get(SECTION) or {}, ModelSize.of(members)
    shape = json.loads(members.read(f"{CHECKPOINT}/config.json"))
    config = HandlerConfig.from_mapping(settings.get("handler"))
    return Facts(
        name=size.name,
        version=json.loads(members.read(MANIFEST))["model"]["modelVersion"],
        source=section.get("source"),
        revision=section.get("revision"),
        berth=section.get("version"),
        task=config.task,
        architecture=_architecture(shape),
        num_parameters=size.num_weights,
        weight_types=tuple(sorted(size.weights)),
        labels=_labels(shape) if config.task in LABELLED and config.candidates is None else (),
        heads=_heads(config, shape, members),
        vector=_vector(config, size) if config.task is Task.EMBEDDINGS else {},
        spans={} if config.spans is None else config.spans.to_mapping(),
        candidates={} if config.candidates is None else config.candidates.to_mapping(),
        precision=config.precision,
        cpu_precisions=config.cpu_precisions,
        int8_kept=config.int8_kept,
        cpu_refused=config.cpu_refused,
        max_tokens=config.max_tokens,
        token_budget=config.token_budget,
        batch_size=size.batch_size,
        content_bytes=size.content_bytes,
    )


def _architecture(shape: Mapping[str, Any]) -> str:
    """The class of config.json's model, else its type."""
    names = shape.get("architectures") or [shape.get("model_type", "unknown")]
    return str(names[0])


def _heads(config: HandlerConfig, shape: Mapping[str, Any], members: Members) -> dict[str, tuple[str, ...]]:
    shapes = head_shapes(members)
    return {name: _labels(shapes.get(name, shape)) for name in config.heads}


def _labels(shape: Mapping[str, Any]) -> tuple[str, ...]:
    names = shape.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}  # transformers' default
    return tuple(str(names[number]) for number in sorted(names, key=int))


def _vector(config: HandlerConfig, size: ModelSize) -> dict[str, object]:
    vectors = config.vectors
    pooled = (vectors.words,) if vectors and vectors.words else config.pooling
    is_late = vectors is not None and vectors.late is not None
    return {
        "size": size.num_words or (size.token_width if is_late else size.vector_size),
        "kinds": [str(kind) for kind in kinds_of(vectors)],
        "pooling": [] if is_late else [str(pooling) for pooling in pooled],
        "dense": len(config.dense),
        "normalized": config.normalize,
        "truncate_dim": config.truncate_dim,
        "prompts": sorted(config.prompts),
        "default_prompt": config.default_prompt,
    }
