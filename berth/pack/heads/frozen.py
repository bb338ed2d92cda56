"""A head that was trained on a frozen encoder: what of its checkpoint is its own, and that all else is the base's."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ...checkpoint_files import TOKENIZER, load_json
from ...errors import Refused
from ...stored_tensors import Stored, stored_tensors
from ..checkpoint import Checkpoint

OF_TOKENIZER = ("truncation", "padding")  # what a tokenizer was last told; it says nothing of its ids
NO_WEIGHTS = "position_ids"  # a buffer that versions before 4.31 saved
ADVICE = "train it with the encoder frozen or as a LoRA, or pack it as an archive of its own"


def checkpoint_tensors(checkpoint: Checkpoint) -> dict[str, Stored]:
    """Every tensor of a checkpoint's transformer."""
    names = [name for name in checkpoint.files if name.endswith(".safetensors") and "/" not in name]
    return stored_tensors(checkpoint.root / name for name in names)


def encoder_prefix(names: Iterable[str]) -> str:
    """What the names of an encoder's tensors begin with in a model with a head: `bert`."""
    ((prefix, _),) = Counter(name.partition(".")[0] for name in names).most_common(1)
    return prefix


def is_of_head(name: str, prefix: str) -> bool:
    """Whether a tensor may be a head's own: all outside the encoder, and its pooler, which only heads read."""
    return not name.startswith(f"{prefix}.") or name.startswith(f"{prefix}.pooler")


def named_alike(base: Mapping[str, Stored], given: Mapping[str, Stored]) -> Mapping[str, Stored]:
    """The tensors of `base` by the names that they have in a model with a head, as in `given`."""
    prefix = encoder_prefix(given)
    if any(name.startswith(f"{prefix}.") for name in base):
        return base
    return {f"{prefix}.{name}": tensor for name, tensor in base.items()}  # a bare encoder


def own_tensors(
    head: str, base: Mapping[str, Stored], given: Mapping[str, Stored], adapted: Collection[str] = ()
) -> dict[str, Stored]:
    """The tensors of a head's checkpoint that are its own, named as in `given`.

    Refused where the rest is not the base's byte for byte, but for those that an adapter has changed.
    """
    prefix = encoder_prefix(given)
    for name, tensor in given.items():
        is_changed = name in adapted and name in base
        if not is_of_head(name, prefix) and not name.endswith(NO_WEIGHTS) and not is_changed:
            _check_shared(head, name, base.get(name), tensor)
    return {
        name: tensor
        for name, tensor in given.items()
        if is_of_head(name, prefix) and not (name in base and tensor.is_as(base[name]))
    }


def _check_shared(head: str, name: str, of_base: Stored | None, tensor: Stored) -> None:
    if of_base is None:
        raise Refused(f"--head {head}: {tensor.file} has {name}, which the base has not: they are not of one model")
    if of_base.entry.dtype != tensor.entry.dtype:
        raise Refused(
            f"--head {head}: {name} is stored in {tensor.entry.dtype} in {tensor.file}, and in {of_base.entry.dtype} "
            "in the base: save one of them in the other's type"
        )
    if not tensor.is_as(of_base):
        raise Refused(f"--head {head}: {name} in {tensor.file} is not the base's, so its encoder is another: {ADVICE}")


def check_fits(head: str, base: Checkpoint, checkpoint: Checkpoint) -> None:
    """Refuse a head that was trained with another tokenizer or limit than the base's."""
    if _tokenizer_of(base.root) != _tokenizer_of(checkpoint.root):
        raise Refused(
            f"--head {head}: {checkpoint.root / TOKENIZER} is not the base's, and all heads read the same tokens: "
            "train it with the base's own tokenizer, or pack it as an archive of its own"
        )
    if checkpoint.max_tokens != base.max_tokens:
        raise Refused(
            f"--head {head}: it takes {checkpoint.max_tokens} tokens and the base {base.max_tokens}: write the same "
            "model_max_length into both tokenizer_config.json"
        )


def _tokenizer_of(folder: Path) -> str:
    content = load_json(folder / TOKENIZER)
    return json.dumps({key: value for key, value in content.items() if key not in OF_TOKENIZER})
