"""token-classification: a logit for each label of each token, in windows that overlap where a text is long."""

from typing import Any

from .reference import STRIDE_TOKENS, Reference


def _cut_windows(max_tokens: int) -> dict[str, Any]:
    stride = min(STRIDE_TOKENS, max_tokens // 4)
    return {"truncation": True, "max_length": max_tokens, "stride": stride, "return_overflowing_tokens": True}


TOKEN_CLASSIFICATION = Reference(
    auto_class="AutoModelForTokenClassification", endings=("ForTokenClassification",), cut=_cut_windows
)
