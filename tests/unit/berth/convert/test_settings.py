"""Values of config.json that say the same in another kind: transformers 5 takes what is written for them."""

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest
import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig

from berth.convert import settings
from berth.convert.convert import converted
from berth.progress import Silence
from tests.support.checkpoints import ARCHITECTURES

SAYING_THE_SAME: list[tuple[str, object, object]] = [
    ("layer_norm_eps", "1e-12", 1e-12),
    ("layer_norm_eps", 0, 0.0),
    ("initializer_range", 1, 1.0),
    ("hidden_dropout_prob", "0.1", 0.1),
    ("classifier_dropout", "0", 0.0),
    ("hidden_size", "768", 768),
    ("hidden_size", 768.0, 768),
    ("pad_token_id", "0", 0),
    ("pad_token_id", 0.0, 0),
    ("num_labels", "2", 2),
    ("is_decoder", 0, False),
    ("use_cache", "true", True),
    ("id2label", ["no", "yes"], {"0": "no", "1": "yes"}),
]
OTHERWISE = [
    ("hidden_size", "wide"),
    ("hidden_size", 2.5),
    ("vocab_size", True),
    ("pad_token_id", None),
    ("use_cache", "?"),
]


def _write(folder: Path, **values: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"} | values), "utf-8")
    return folder


def _read(folder: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads((folder / "config.json").read_text("utf-8"))
    return value


@pytest.mark.parametrize(("name", "value", "meant"), SAYING_THE_SAME)
def test_a_value_is_written_as_transformers_takes_it(tmp_path, name, value, meant):
    folder = _write(tmp_path / "model", **{name: value})
    with pytest.raises((AttributeError, TypeError, StrictDataclassError)):
        AutoConfig.from_pretrained(folder)
    with converted(folder, Silence()) as ready:
        written = _read(ready.folder)[name]
        assert (written, type(written)) == (meant, type(meant))
        assert getattr(AutoConfig.from_pretrained(ready.folder), name) == (
            {0: "no", 1: "yes"} if name == "id2label" else meant
        )
        assert ready.notes == (
            f"config.json spells {name} in another kind than transformers takes; the archive has its own",
        )
    assert _read(folder)[name] == value  # the user's own stays as it is


@pytest.mark.parametrize(("name", "value"), OTHERWISE)
def test_what_says_something_else_stays(tmp_path, name, value):
    assert not settings.applies(_write(tmp_path, **{name: value}))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_transformers_writes_is_of_todays_form(tmp_path, architecture):
    AutoConfig.for_model(architecture.replace("nomic-bert", "nomic_bert")).save_pretrained(tmp_path)
    assert not settings.applies(tmp_path)


def test_the_transformer_of_the_old_layout_is_looked_at(tmp_path):
    (tmp_path / "modules.json").write_text(
        '[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]'
    )
    _write(tmp_path / "0_Transformer", hidden_size="768")
    assert settings.applies(tmp_path)
    settings.convert(tmp_path, Silence())
    assert _read(tmp_path / "0_Transformer")["hidden_size"] == 768


def test_a_hard_link_is_not_written_into(tmp_path):
    folder = _write(tmp_path / "model", hidden_size="768")
    copy = tmp_path / "copy"
    copy.mkdir()
    os.link(folder / "config.json", copy / "config.json")
    settings.convert(copy, Silence())
    assert _read(folder)["hidden_size"] == "768"


def test_the_kinds_are_those_of_transformers_own_classes():
    kinds: dict[str, set[str]] = {}
    for architecture in ARCHITECTURES:
        for field in fields(transformers.CONFIG_MAPPING[architecture.replace("nomic-bert", "nomic_bert")]):
            kinds.setdefault(field.name, set()).add(str(field.type))
    for names, wanted in (
        (settings.WHOLE - {"num_labels", "position_buckets"}, "int"),
        (settings.FRACTIONS | settings.DROPOUTS, "float"),
        (settings.FLAGS, "bool"),
    ):
        assert {name for name in names if not any(wanted in kind for kind in kinds[name])} == set()
