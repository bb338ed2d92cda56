"""A SetFit model is a sentence-transformers model with a classifier beside it, which berth does not serve.

The classifier, nearly always scikit-learn's, is a pickle, which is never opened. Packed as embeddings without a word,
it would be left out silently.
"""

from pathlib import Path

from handler.config import Task

from ...errors import Refused

SETFIT_HEAD, SETFIT_CONFIG = "model_head.pkl", "config_setfit.json"


def check_setfit(checkpoint: Path, task: Task | None) -> None:
    """Refuse a SetFit folder unless its embeddings were asked for."""
    found = [name for name in (SETFIT_HEAD, SETFIT_CONFIG) if (checkpoint / name).is_file()]
    if not found or task is Task.EMBEDDINGS:
        return
    raise Refused(
        f"{checkpoint} is a SetFit model ({' and '.join(found)}), and its classifier, a pickle, is not "
        "served: pack its embeddings alone with --task embeddings and classify them on your side, or train a "
        "classifier with transformers, as examples/intents does"
    )
