"""GLiClass models, as gliclass's training writes them; its answers are kept (tests/support/references)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.support.checkpoints.gliclass import make_gliclass
from tests.support.references.gliclass_models import CASES, LABELS, MODELS, expected_answers

from ..kind import Kind, Numbers

PLACES = [place for place, (_, labels, is_multi) in enumerate(CASES) if is_multi and labels == LABELS]


def _make(name: str, folder: Path) -> str:
    return str(make_gliclass(folder, **MODELS[name]))


def _scores(name: str, _folder: Path, _texts: Sequence[str]) -> Numbers:
    """Best first, as they are answered."""
    return [sorted(expected_answers()[name][place], reverse=True) for place in PLACES]


KINDS = tuple(
    Kind(
        name=f"a GLiClass model of {what}",
        make=partial(_make, name),
        inputs=[CASES[place][0] for place in PLACES],
        expected=partial(_scores, name),
    )
    for name, what in {
        "deberta": "a DeBERTa, a pickle",
        "bert": "a BERT, with a weighted dot",
        "modernbert": "a ModernBERT, with layers that score",
    }.items()
)
