"""The frame that vLLM gives its answers of several parts."""

import time
from collections.abc import Sequence
from uuid import uuid4

from ...payload import Prediction
from ..call import count_usage, say_truncated


def lay_out(
    prefix: str, name: str, data: Sequence[dict[str, object]], predictions: Sequence[Prediction]
) -> dict[str, object]:
    """Return an answer of `data`, each with its index, whose id begins with `prefix`; `name` is what answered."""
    return {
        "id": f"{prefix}-{uuid4().hex}",
        "object": "list",
        "created": int(time.time()),
        "model": name,
        "data": [{"index": index, **each} for index, each in enumerate(data)],
        "usage": {**count_usage(predictions), "completion_tokens": 0},
        **say_truncated(predictions),
    }
