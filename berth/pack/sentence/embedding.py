"""How a checkpoint embeds: all that the files of its modules say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handler.config import Pooling
from handler.vectors.late import DOCUMENT, QUERY
from handler.vectors.settings import Vectors

from ...errors import Refused
from ...layouts.sentence import MODEL_FILE, Module, transformer_folder
from .behind_pooling import weighted_modules
from .late import is_own_layout, late_vectors, texts_behind_markers
from .model_file import check_max_sim, check_model_type, check_requirements, prompts_of, truncate_dim_of
from .modules import check_order, makes_sparse
from .pooling import poolings_of
from .splade import splade_of
from .static import is_normalized, is_static
from .transformer import EMBEDS, FILLS, check_transformer


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """How a model embeds; by default a bare encoder: the mean of the tokens and nothing else."""

    pooling: tuple[Pooling, ...] = (Pooling.MEAN,)
    dense: tuple[str, ...] = ()
    """Folders of the Dense and LayerNorm modules, in order."""
    normalize: bool = False
    truncate_dim: int | None = None
    """How many values of each vector are kept, as they are."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Every name in the file. An empty text stays: `prompt_name` may name it, and it puts nothing before a text."""
    default_prompt: str | None = None
    vectors: Vectors | None = None
    """How other vectors than one dense one are made."""


def embedding_of(checkpoint: Path, modules: tuple[Module, ...]) -> Embedding:
    """How the checkpoint embeds; Refused for what berth does not serve."""
    if not modules:
        return Embedding()
    if makes_sparse(modules):
        return _sparse_embedding(checkpoint, modules)
    if is_static(modules):
        return _static_embedding(checkpoint, modules)
    check_model_type(checkpoint)
    check_requirements(checkpoint)
    check_order(checkpoint, modules)
    transformer = transformer_folder(checkpoint, modules)
    check_transformer(transformer, EMBEDS)
    prompts, default_prompt = prompts_of(checkpoint)
    return Embedding(
        pooling=poolings_of(checkpoint / modules[1].path / "config.json", prompts),
        dense=weighted_modules(checkpoint, transformer, modules[2:]),
        normalize=any(module.kind == "Normalize" for module in modules),
        truncate_dim=truncate_dim_of(checkpoint),
        prompts=prompts,
        default_prompt=default_prompt,
    )


def _sparse_embedding(checkpoint: Path, modules: tuple[Module, ...]) -> Embedding:
    """How a SPLADE model does: a weight for each word; and where queries are looked up, they are known by name."""
    check_model_type(checkpoint, "SparseEncoder")
    check_requirements(checkpoint)
    check_transformer(transformer_folder(checkpoint, modules), FILLS)
    prompts, default_prompt = prompts_of(checkpoint)
    vectors = splade_of(checkpoint, modules[1])
    if vectors.query_table is None:
        return Embedding(prompts=prompts, default_prompt=default_prompt, vectors=vectors)
    if default_prompt == QUERY:
        raise Refused(
            f"{checkpoint / MODEL_FILE}: default_prompt_name is {QUERY}, and berth reads a text that is called neither "
            f"{QUERY} nor {DOCUMENT} as a document: write null there, and ask for queries with prompt_name"
        )
    both = {QUERY: "", DOCUMENT: ""} | prompts
    return Embedding(prompts=both, default_prompt=default_prompt or DOCUMENT, vectors=vectors)


def late_embedding(checkpoint: Path, modules: tuple[Module, ...], positions: int | None) -> Embedding:
    """How a model for late interaction does: a vector for each token, of a query or a document."""
    is_own = is_own_layout(modules)  # its markers are in its prompts alone
    check_model_type(checkpoint, "MultiVectorEncoder" if is_own else "ColBERT")
    check_max_sim(checkpoint)
    check_requirements(checkpoint)
    prompts, default_prompt = prompts_of(checkpoint)
    return Embedding(
        prompts={QUERY: "", DOCUMENT: ""} | (prompts if is_own else texts_behind_markers(checkpoint, prompts)),
        default_prompt=default_prompt or DOCUMENT,
        vectors=late_vectors(checkpoint, modules, positions),
    )


def _static_embedding(checkpoint: Path, modules: tuple[Module, ...]) -> Embedding:
    """How a table does: the mean of the tokens' rows."""
    check_model_type(checkpoint)
    check_requirements(checkpoint)
    prompts, default_prompt = prompts_of(checkpoint)
    return Embedding(
        normalize=is_normalized(checkpoint, modules),
        truncate_dim=truncate_dim_of(checkpoint),
        prompts=prompts,
        default_prompt=default_prompt,
    )
