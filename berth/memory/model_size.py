"""What an archive says about its model's size: weights by type, shape, settings. No weights are read.

A .mar is read where it lies. Nothing is verified, because nothing is run.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from handler.config import MAX_INPUTS_PER_REQUEST, MAX_TEXTS_PER_REQUEST, HandlerConfig
from handler.sizes import most_token_vectors
from handler.vectors.static import STATIC

from ..archive.content import CHECKPOINT, MANIFEST, MODEL_CONFIG, SERVER_SETTINGS
from ..archive.content import HEADS as HEADS_FOLDER
from ..archive.members import Members, open_archive
from ..safetensors_header import read_header

# The same number has other names in DistilBERT's and NomicBERT's config.json.
HIDDEN = ("hidden_size", "dim", "n_embd")
INTERMEDIATE = ("intermediate_size", "hidden_dim", "n_inner")
HEADS = ("num_attention_heads", "n_heads", "n_head")
# How many attention scores of a pair of tokens lie in memory at once, by model_type; none where attention is fused.
# Measured, 4096 tokens in texts of 256 to 1024, torch 2.13: 2.9 of MPNet, 4.6 to 5.1 of DeBERTa.
SCORES = {"mpnet": 3, "deberta": 5, "deberta-v2": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """Everything about one archive's model that memory depends on."""

    name: str
    version: str = ""
    config: HandlerConfig | None
    """Settings of the handler; None where it is not berth's own."""
    batch_size: int
    weights: Mapping[str, int]
    """How many numbers the checkpoint's tensors hold, by safetensors' name of their type."""
    hidden: int
    """How wide a layer is; 0 where there is none."""
    intermediate: int
    num_labels: int
    """Of all heads together: a row has the logits of each."""
    vector_size: int
    """How many numbers an embedding has."""
    token_width: int = 0
    """Numbers that a model says of each token beside an embedding."""
    num_words: int = 0
    """Words of the vocabulary, where the model makes sparse vectors; else 0."""
    scores: int
    """Attention scores that are kept for a pair of tokens, those of all heads."""
    tokenizer_bytes: int
    content_bytes: int
    """Bytes of all members."""

    @classmethod
    def read(cls, archive: Path) -> Self:
        """Read a .mar or the folder that it was unpacked to; Refused when it is neither."""
        with open_archive(archive) as members:
            return cls.of(members)

    @classmethod
    def of(cls, members: Members) -> Self:
        """What the members say; KeyError, ValueError, TypeError or ConfigError where no berth wrote them."""
        import yaml  # noqa: PLC0415 - `berth --help` answers at once

        sizes = members.sizes
        settings = yaml.safe_load(members.read(MODEL_CONFIG))
        shape = json.loads(members.read(f"{CHECKPOINT}/config.json")) if f"{CHECKPOINT}/config.json" in sizes else {}
        hidden = _number(shape, HIDDEN, 0)
        config = HandlerConfig.from_mapping(settings["handler"]) if "handler" in settings else None
        vectors = config.vectors if config is not None else None
        weights: Counter[str] = Counter()
        for name in sizes:
            if name.startswith(f"{CHECKPOINT}/") and name.endswith(".safetensors"):
                weights.update(_count_numbers(name, members))
        model = json.loads(members.read(MANIFEST))["model"]
        return cls(
            name=model["modelName"],
            version=model["modelVersion"],
            config=config,
            batch_size=settings.get("batchSize", SERVER_SETTINGS["batchSize"]),
            weights=weights,
            hidden=0 if shape.get("model_type") == STATIC else hidden,
            intermediate=_number(shape, INTERMEDIATE, 4 * hidden),
            num_labels=_count_labels(shape) + sum(_count_labels(each) for each in head_shapes(members).values()),
            vector_size=_vector_size(config, hidden, members),
            num_words=_number(shape, ("vocab_size",), 0) if vectors and vectors.words else 0,
            token_width=vectors.numbers_of_token if vectors else 0,
            scores=SCORES.get(str(shape.get("model_type")), 0) * _number(shape, HEADS, 0),
            tokenizer_bytes=sizes.get(f"{CHECKPOINT}/tokenizer.json", 0),
            content_bytes=sum(sizes.values()),
        )

    @property
    def path(self) -> str:
        """How addresses name the model, by its version: bert/1.0."""
        return f"{self.name}/{self.version}"

    @property
    def of_answers(self) -> dict[str, int]:
        """What the size of the largest answer depends on (handler.sizes.largest_answer)."""
        names = ("vector_size", "num_labels", "num_words", "token_numbers")
        return {name: getattr(self, name) for name in names}

    @property
    def token_numbers(self) -> int:
        """Most numbers that are said of the tokens of a request that asks for their vectors, or names labels."""
        if self.config and self.config.candidates:
            return MAX_INPUTS_PER_REQUEST * MAX_TEXTS_PER_REQUEST
        return self.token_width * most_token_vectors(self.config.vectors if self.config else None)

    @property
    def num_weights(self) -> int:
        """How many numbers all tensors hold."""
        return sum(self.weights.values())


def head_shapes(members: Members) -> dict[str, Mapping[str, Any]]:
    """The config.json of each further head, by its name."""
    begins, ends = f"{CHECKPOINT}/{HEADS_FOLDER}/", "/config.json"
    files = [name for name in members.sizes if name.startswith(begins) and name.endswith(ends)]
    return {file[len(begins) : -len(ends)]: json.loads(members.read(file)) for file in files}


def _count_labels(shape: Mapping[str, Any]) -> int:
    return len(shape.get("id2label") or ()) or 2  # as transformers counts


def _vector_size(config: HandlerConfig | None, hidden: int, members: Members) -> int:
    """How many numbers an embedding has: the last module's where there is one, else those of all poolings."""
    if config is None or not config.dense:
        return hidden if config is None else hidden * len(config.pooling)
    module = json.loads(members.read(f"{CHECKPOINT}/{config.dense[-1]}/config.json"))
    return _number(module, ("out_features", "dimension"), hidden)


def _count_numbers(name: str, members: Members) -> Counter[str]:
    """Count the numbers that a safetensors file holds, by their type."""
    counts: Counter[str] = Counter()
    with members.open(name) as file:
        for tensor in read_header(file, name).values():
            counts[tensor.dtype] += math.prod(tensor.shape)
    return counts


def _number(values: Mapping[str, Any], names: tuple[str, ...], default: int) -> int:
    found = next((values[name] for name in names if isinstance(values.get(name), int)), None)
    return default if found is None else int(found)
