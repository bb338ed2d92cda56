"""A checkpoint that can be packed: what its own files say, and which of them travel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handler.candidates.settings import CandidateSettings
from handler.config import Pooling, ScoreFunction, Task
from handler.spans.settings import SpanSettings
from handler.vectors.settings import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder that can be packed: safetensors, no custom code, a task that we know."""

    root: Path
    """The transformer's folder: with config.json, the tokenizer and the weights."""
    files: tuple[str, ...]
    """Paths of what travels, relative to `root`, sorted."""
    task: Task
    is_task_told: bool = False
    """Whether --task or sentence-transformers' files have said what it is for; else its architecture has."""
    max_tokens: int
    """Longest text in tokens, special tokens included."""
    pooling: tuple[Pooling, ...] = (Pooling.MEAN,)
    dense: tuple[str, ...] = ()
    """Folders of the Dense and LayerNorm modules inside `root`, in order."""
    normalize: bool = False
    truncate_dim: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    vectors: Vectors | None = None
    """How other vectors than one dense one are made; None for other tasks too."""
    score_function: ScoreFunction | None = None
    """What turns the logit of text-ranking into a score; None for other tasks."""
    spans: SpanSettings | None = None
    """How a GLiNER model reads words and types of entities; None for other tasks."""
    candidates: CandidateSettings | None = None
    """How a GLiClass model reads candidate labels; None for all others."""
    heads: tuple[str, ...] = ()
    """Names of all heads, the one that answers by default first; empty: only its own, without a name."""
    head_files: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    """Of each further head what travels, by its path in the head's folder."""
