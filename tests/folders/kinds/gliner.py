"""GLiNER models, as gliner's save_pretrained writes them; its answers are kept (tests/support/references)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.support.checkpoints.gliner import make_gliner
from tests.support.references.gliner_models import CASES, MODELS, expected_answers

from ..kind import Kind, Numbers

PLACES = [place for place, (_, labels, parameters) in enumerate(CASES) if not parameters and len(labels) > 1]


def _make(name: str, folder: Path) -> str:
    return str(make_gliner(folder, **MODELS[name]))


def _scores(name: str, _folder: Path, _texts: Sequence[str]) -> Numbers:
    answers = expected_answers()[name]
    return [[score for *_, score in answers[place]] for place in PLACES]


KINDS = tuple(
    Kind(
        name=f"a GLiNER model of {what}",
        make=partial(_make, name),
        inputs=[CASES[place][0] for place in PLACES],
        expected=partial(_scores, name),
    )
    for name, what in {"deberta": "a DeBERTa, a pickle", "bert": "a BERT"}.items()
)
