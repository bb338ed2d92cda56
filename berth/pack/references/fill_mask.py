"""fill-mask: the vocabulary's logits at each mask; every so many of them are known answers."""

from typing import Any

from handler.config import KNOWN_WORDS_STEP

from ...errors import Refused
from ..checkpoint import Checkpoint
from .reference import Reference, Texts

# These hold a masked language model whole, and something beside it; ELECTRA's is a discriminator instead.
PRETRAINED_ON_MASKS = frozenset(
    f"{name}ForPreTraining" for name in ("Albert", "Bert", "Ernie", "MegatronBert", "MobileBert")
)


def _masked_texts(checkpoint: Checkpoint, mask_token: str | None, texts: Texts) -> tuple[object, ...]:
    if mask_token is None:
        raise Refused(f"{checkpoint.root}: its tokenizer has no mask token, which fill-mask needs")
    return tuple(f"{mask_token} {text} {mask_token}" for text in texts)


def _read_masks(_checkpoint: Checkpoint, output: Any, is_mask: Any) -> list[float]:
    numbers: list[float] = output.logits[0, is_mask, ::KNOWN_WORDS_STEP].flatten().tolist()
    return numbers


FILL_MASK = Reference(
    auto_class="AutoModelForMaskedLM",
    endings=("ForMaskedLM",),
    architectures=PRETRAINED_ON_MASKS,
    inputs=_masked_texts,
    read=_read_masks,
)
