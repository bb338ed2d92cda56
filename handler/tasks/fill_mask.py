"""fill-mask: the likeliest words for each mask of a text."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from ..config import HandlerConfig, Task
from ..errors import InvalidParameter
from ..inputs import TextInput, TextObject
from ..parameters import MAX_NAMES, CutParameters
from ..text.passages import Layout, Passages, TextPair
from ..wire import quote
from .kind import Head, Reading, Reads, TaskKind, one_by_one
from .scores import softmax

Ids = npt.NDArray[np.int64]
MAX_FILLINGS = 320  # of one text: each is the whole text once more, 0.3 ms of decoding for 512 tokens


class FillMaskParameters(CutParameters, frozen=True, kw_only=True):
    """fill-mask: the parameters of transformers' pipeline."""

    top_k: Annotated[int, Meta(ge=1, le=100)] = 5
    """Words for each mask: each is a text of its own in the answer."""
    targets: str | Annotated[list[str], Meta(max_length=MAX_NAMES)] | None = None
    """Score only these words. One that is not a single token counts as its first."""


class FilledMask(msgspec.Struct, kw_only=True):
    """A word for a mask."""

    score: float
    token: int
    token_str: str
    sequence: str


def plan(source: TextInput, _: FillMaskParameters, config: HandlerConfig) -> Passages:
    """Read the text itself."""
    pair = TextPair(text=source.text)
    return Passages(pairs=(pair,), layout=Layout(max_tokens=config.max_tokens), needs_masks=True)


def make_head(_: Any, tokenizer: Any, __: Any) -> Head[FillMaskParameters]:
    """Make the head: logits [M, vocabulary] -> the words of the one mask, or a list of them for each of several."""

    @one_by_one
    def head(reading: Reading, parameters: FillMaskParameters) -> object:
        (text,), (row,) = reading.texts, reading.rows
        ids = text.ids.astype(np.int64)
        masks = np.flatnonzero(ids == tokenizer.mask_token_id).tolist()
        if len(masks) * parameters.top_k > MAX_FILLINGS:
            raise InvalidParameter(
                f"top_k is {parameters.top_k} for each of {len(masks)} masks; together they are at most {MAX_FILLINGS}",
                "/parameters/top_k",
            )
        candidates = target_ids(parameters.targets, tokenizer)
        fillings = [
            _fill(
                tokenizer, ids, position, best_words(logits, candidates, parameters.top_k), keeps_masks=len(masks) > 1
            )
            for position, logits in zip(masks, row, strict=True)
        ]
        return fillings if len(masks) > 1 else fillings[0]

    return head


def best_words(logits: npt.NDArray[np.float32], candidates: Ids | None, top_k: int) -> list[tuple[int, float]]:
    """Return ids and probabilities of the likeliest words, among the candidates if there are any."""
    scores = softmax(logits.astype(np.float64))
    ids = np.arange(len(scores)) if candidates is None else candidates
    scores = scores[ids]
    if top_k < len(ids):  # sorting a whole vocabulary for five words takes milliseconds
        best = np.argpartition(-scores, top_k)[:top_k]
        ids, scores = ids[best], scores[best]
    order = np.argsort(-scores, kind="stable")
    return list(zip(ids[order].tolist(), scores[order].tolist(), strict=True))


def _fill(
    tokenizer: Any, ids: Ids, position: int, words: Iterable[tuple[int, float]], *, keeps_masks: bool
) -> list[dict[str, object]]:
    """Put each word in the mask's place. Where masks are left they are shown, and so are special tokens."""
    results: list[dict[str, object]] = []
    for word, score in words:
        filled = ids.copy()
        filled[position] = word
        sequence = tokenizer.decode(filled, skip_special_tokens=not keeps_masks)
        results.append({"score": score, "token": word, "token_str": tokenizer.decode([word]), "sequence": sequence})
    return results


def target_ids(targets: str | list[str] | None, tokenizer: Any) -> Ids | None:
    """Return the ids of the words to score, each once; the first token of a longer word. None for all words."""
    if targets is None:
        return None
    found = dict.fromkeys(_id_of(target, tokenizer) for target in ([targets] if isinstance(targets, str) else targets))
    if not found:
        raise InvalidParameter("targets is empty: name at least one word, or leave it out", "/parameters/targets")
    return np.array(list(found))


def _id_of(target: str, tokenizer: Any) -> int:
    whole: int | None = tokenizer.backend_tokenizer.token_to_id(target)
    if whole is not None:
        return whole
    ids: list[int] = tokenizer.encode(target, add_special_tokens=False)
    if not ids:
        raise InvalidParameter(
            f"the target {quote(target)} has no tokens in this model's vocabulary", "/parameters/targets"
        )
    return ids[0]


FILL_MASK = TaskKind(
    task=Task.FILL_MASK,
    input_object=TextObject,
    parameters=FillMaskParameters,
    plan=plan,
    reads=Reads.MASK_LOGITS,
    make_head=make_head,
    results=(list[FilledMask], list[list[FilledMask]]),
)
