"""question-answering: how well the answer begins and ends at each token, in windows of the context."""

from typing import Any

from ..checkpoint import Checkpoint
from .known_texts import QUESTION
from .reference import STRIDE_TOKENS, Reference, Texts

WINDOW_TOKENS = 384  # question and context, where the model takes so many; transformers' own


def _questions(_checkpoint: Checkpoint, _mask_token: str | None, texts: Texts) -> tuple[object, ...]:
    return tuple({"question": QUESTION, "context": text} for text in texts if text)


def _pair(_checkpoint: Checkpoint, item: dict[str, str]) -> list[Texts]:
    return [(item["question"], item["context"])]


def _cut_windows_of_the_context(max_tokens: int) -> dict[str, Any]:
    window = min(WINDOW_TOKENS, max_tokens)
    stride = min(STRIDE_TOKENS, window // 2)
    return {"truncation": "only_second", "max_length": window, "stride": stride, "return_overflowing_tokens": True}


def _read_starts_and_ends(_checkpoint: Checkpoint, output: Any, _is_mask: Any) -> list[float]:
    pairs = zip(output.start_logits[0].tolist(), output.end_logits[0].tolist(), strict=True)
    return [number for pair in pairs for number in pair]


QUESTION_ANSWERING = Reference(
    auto_class="AutoModelForQuestionAnswering",
    endings=("ForQuestionAnswering",),
    inputs=_questions,
    texts=_pair,
    cut=_cut_windows_of_the_context,
    read=_read_starts_and_ends,
)
