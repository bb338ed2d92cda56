"""What Cohere's answers say under `meta.warnings`."""

from collections.abc import Sequence

from ...payload import Prediction
from ..call import find_truncated


def warn_of_cut_texts(predictions: Sequence[Prediction]) -> dict[str, list[str]]:
    """Name each text of which a part was not read; no such field where all of all were."""
    cut = [
        f"texts[{place}] is longer than the model takes: a part was not read" for place in find_truncated(predictions)
    ]
    return {"warnings": cut} if cut else {}


def warn_of_cut_documents(predictions: Sequence[Prediction]) -> dict[str, list[str]]:
    """Say that a document was not read to its end, where that is so; which one is not known."""
    is_cut = any(prediction.is_truncated for prediction in predictions)
    return {"warnings": ["a document is longer than the model takes: a part was not read"]} if is_cut else {}
