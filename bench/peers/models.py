"""The checkpoints that are served: the sample, and a BERT-base of seeded weights in the sample's form."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from berth.checkpoint_files import load_json
from berth.sources.sample import sample_folder

from ..packing import make_bert_base
from ..work import EncoderShape
from .environments import ROOT
from .peer import Model

MAX_TOKENS = 512  # the sample's own limit is 256, and a mix is of 512


def make_model(name: str) -> Model:
    """The model of MODELS with this name, made anew below .peers/."""
    folder = ROOT / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    MODELS[name](folder)
    return Model(name=name, folder=folder, shape=EncoderShape.from_config(load_json(folder / "config.json")))


def _make_sample(folder: Path) -> None:
    shutil.copytree(sample_folder(), folder)
    (folder / "2_Normalize").mkdir(exist_ok=True)  # modules.json names it, and it has no file
    _set(folder / "sentence_bert_config.json", max_seq_length=MAX_TOKENS)


def _make_base(folder: Path) -> None:
    _make_sample(folder)
    make_bert_base(folder)
    _set(
        folder / "1_Pooling" / "config.json", word_embedding_dimension=load_json(folder / "config.json")["hidden_size"]
    )


def _set(file: Path, **values: object) -> None:
    file.write_text(json.dumps(load_json(file) | values), "utf-8")


MODELS: Mapping[str, Callable[[Path], None]] = {"MiniLM": _make_sample, "BERT-base": _make_base}
