"""What a checkpoint holds and an archive does not use: said in a sentence each, and refused where it changes answers.

PURE but for `refuse_unmerged`, which looks at names.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from handler.config import Task

from ...errors import Refused
from ..checkpoint import Checkpoint

ADAPTER = "adapter_config.json"
POOLER = "pooler"
# First parts of the names of what a model was pretrained with, which every later use leaves behind.
PRETRAINING_HEADS = frozenset(
    {
        "cls",
        "decoder",
        "discriminator_predictions",
        "generator_lm_head",
        "generator_predictions",
        "head",
        "lm_head",
        "predictions",
        "sop_classifier",
        "vocab_layer_norm",
        "vocab_projector",
        "vocab_transform",
    }
)
# Places and zeros, which transformers makes itself, and saved in some of its versions.
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What transformers says of the weights that it has loaded."""

    missing: Collection[str]
    """Names that the files do not have: it made them up at random."""
    unexpected: Collection[str]
    """Names in the files that the model has no place for."""
    prefix: str
    """What the encoder's names begin with in a model with a head: `bert`."""
    parts: Collection[str]
    """The first parts of the names inside the encoder: `embeddings`, `encoder`, `pooler`."""


def refuse_unmerged(checkpoint: Path) -> None:
    """Refuse an adapter that nobody has merged."""
    if (checkpoint / ADAPTER).is_file():
        raise Refused(
            f"{checkpoint / ADAPTER} is of an adapter (LoRA) beside a whole model, and the archive would leave it out: "
            "merge it (peft: model.merge_and_unload().save_pretrained(FOLDER)) and pack that, or take adapter_* away"
        )


def left_out_weights(checkpoint: Checkpoint, loading: Loading) -> tuple[str, ...]:
    """Sentences on the weights that the task does not use; Refused where answers would be made up, or be others."""
    loading = replace(loading, unexpected=[name for name in loading.unexpected if not name.endswith(BUFFERS)])
    _check_prefix(checkpoint, loading)
    _check_missing(checkpoint, loading)
    inside = sorted(name for name in loading.unexpected if _part(name, loading) in {*loading.parts} - {POOLER})
    if inside:
        raise Refused(
            f"{checkpoint.root}: its weights hold {_some(inside)}, which the model by config.json has no place for: "
            "layers or an adapter would be left out; save the model that was trained with model.save_pretrained"
        )
    unused = Counter(_part(name, loading) for name in loading.unexpected)
    _check_heads(checkpoint, unused)
    if not unused:
        return ()
    return (f"{checkpoint.task} does not use these weights, which are left out: {', '.join(sorted(unused))}",)


def _check_prefix(checkpoint: Checkpoint, loading: Loading) -> None:
    """Refuse names that a wrapper has put something before: nothing of the model would be loaded."""
    missing = sorted(loading.missing)
    for name in sorted(loading.unexpected):
        if whole := next((each for each in missing if name.endswith(f".{each}")), None):
            raise Refused(
                f"{checkpoint.root}: its weights are called {name} where transformers looks for {whole}: save the "
                "model that is inside its wrapper (model.module.save_pretrained; peft: merge_and_unload first)"
            )


def _check_missing(checkpoint: Checkpoint, loading: Loading) -> None:
    """Refused when transformers made weights up at random: the checkpoint is not for this task."""
    made_up = sorted(name for name in loading.missing if not _is_unused(name, checkpoint))
    if made_up:
        raise Refused(
            f"{checkpoint.root} has no weights for {made_up[0]}, which {checkpoint.task} needs: choose the "
            "task that it was trained for with --task, or a checkpoint that was trained for this one"
        )


def _is_unused(name: str, checkpoint: Checkpoint) -> bool:
    """Whether answers do not depend on a weight: a vector is made of the last hidden state, before any pooler.

    Heads do depend on theirs: BERT's is `bert.pooler`, and DeBERTa's ContextPooler is called plainly `pooler`.
    """
    makes_vectors = checkpoint.task is Task.EMBEDDINGS or checkpoint.vectors is not None
    return makes_vectors and name.partition(".")[0] == POOLER


def _check_heads(checkpoint: Checkpoint, unused: Mapping[str, int]) -> None:
    """Refuse an encoder with a trained head, unless somebody has said that vectors are wanted."""
    trained = sorted({*unused} - PRETRAINING_HEADS - {POOLER})
    if checkpoint.task is not Task.EMBEDDINGS or checkpoint.is_task_told or not trained:
        return
    raise Refused(
        f"{checkpoint.root}: its weights hold {_some(trained)}, and by config.json's architectures it is an encoder "
        "without a head: name the class that it was trained as there, or choose --task embeddings for its vectors alone"
    )


def _part(name: str, loading: Loading) -> str:
    """The first part of a weight's name, within the encoder where it lies there."""
    return name.removeprefix(f"{loading.prefix}.").partition(".")[0]


def _some(names: Iterable[str]) -> str:
    """The first name, and how many more there are."""
    first, *more = names
    return f"{first} and {len(more)} more" if more else first
