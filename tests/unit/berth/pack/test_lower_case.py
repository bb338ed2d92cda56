"""do_lower_case of sentence-transformers: served where the tokenizer lowers by itself, refused where it does not."""

import json
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from tests.support.checkpoints.sentence_transformers import make_sentence_checkpoint


def change(path: Path, **settings: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings))


@pytest.mark.parametrize(
    ("normalizer", "lowers"),
    [
        ({"type": "BertNormalizer", "lowercase": True}, True),
        ({"type": "BertNormalizer", "lowercase": False}, False),
        ({"type": "Lowercase"}, True),
        ({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]}, True),
        ({"type": "Sequence", "normalizers": [{"type": "NFD"}]}, False),
        (None, False),
    ],
)
def test_do_lower_case_is_refused_only_where_it_changes_a_text(
    tmp_path: Path, normalizer: object, lowers: bool
) -> None:
    model = make_sentence_checkpoint(tmp_path / "model")
    change(model / "sentence_bert_config.json", do_lower_case=True)
    change(model / "tokenizer.json", normalizer=normalizer)
    if lowers:
        load_checkpoint(model, None)
        return
    with pytest.raises(Refused, match=r"sets do_lower_case, and the tokenizer does not lower: put Lowercase\(\) first"):
        load_checkpoint(model, None)
