"""bert_config.json becomes config.json, and the names of the weights say what the model is."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from berth.convert import layout_2019
from berth.convert.convert import converted
from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from berth.progress import Silence
from handler.config import Task
from tests.support.checkpoints.weights import make_2019

CONFIG = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 9,
    "max_position_embeddings": 32,
}
EMBEDDINGS = "bert.embeddings.word_embeddings.weight"


def _old(folder: Path, *names: str, config: str = "bert_config.json", words: str = "[PAD]\n[UNK]\nship") -> Path:
    """The layout with weights of these names, as it is once they are safetensors."""
    (folder / config).write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text(words, "utf-8")
    save_file({name: torch.ones(3, 8) for name in names}, folder / "model.safetensors")
    return folder


def _config(folder: Path) -> dict[str, object]:
    layout_2019.convert(folder, Silence())
    config: dict[str, object] = json.loads((folder / "config.json").read_text())
    return config


@pytest.mark.parametrize(
    ("names", "architecture"),
    [
        ([EMBEDDINGS], "BertModel"),
        (["embeddings.word_embeddings.weight", "pooler.dense.weight"], "BertModel"),
        ([EMBEDDINGS, "cls.predictions.bias"], "BertForMaskedLM"),
        ([EMBEDDINGS, "cls.predictions.bias", "cls.seq_relationship.weight"], "BertForPreTraining"),
        ([EMBEDDINGS, "qa_outputs.weight"], "BertForQuestionAnswering"),
        (["roberta.embeddings.word_embeddings.weight", "lm_head.bias"], "RobertaForMaskedLM"),
        (
            ["roberta.embeddings.word_embeddings.weight", "classifier.out_proj.weight"],
            "RobertaForSequenceClassification",
        ),
    ],
)
def test_the_head_is_told_by_its_weights(tmp_path, names, architecture):
    config = _config(_old(tmp_path, *names))
    assert config["architectures"] == [architecture]
    assert config["model_type"] == architecture.partition("For")[0].removesuffix("Model").lower()
    assert {name: config[name] for name in CONFIG} == CONFIG


def test_whether_a_classifier_is_one_of_texts_or_tokens_is_not_guessed(tmp_path):
    config = _config(_old(tmp_path, EMBEDDINGS, "classifier.weight"))
    assert "architectures" not in config
    assert config["id2label"] == {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    with pytest.raises(Refused, match=r"cannot tell the task of .*; choose one with --task"):
        load_checkpoint(tmp_path, None)
    assert load_checkpoint(tmp_path, Task.TOKEN_CLASSIFICATION).max_tokens == 32


@pytest.mark.parametrize(("words", "lowers"), [("[UNK]\nship\n##s", True), ("[UNK]\nship\nKöln", False)])
def test_capitals_in_the_vocabulary_say_whether_texts_are_lowered(tmp_path, words, lowers):
    note = layout_2019.convert(_old(tmp_path, EMBEDDINGS, words=words), Silence())
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["do_lower_case"] is lowers
    assert note.endswith("lowered, as vocab.txt has none" if lowers else "capitals, as vocab.txt has capitals")


def test_a_tokenizer_config_that_is_there_stays(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    layout_2019.convert(_old(tmp_path, EMBEDDINGS), Silence())
    assert (tmp_path / "tokenizer_config.json").read_text() == '{"do_lower_case": false}'


def test_a_config_json_without_a_type_gets_one(tmp_path):
    _old(tmp_path, "roberta.embeddings.word_embeddings.weight", "lm_head.bias", config="config.json")
    assert layout_2019.applies(tmp_path)
    assert _config(tmp_path)["model_type"] == "roberta"
    assert not layout_2019.applies(tmp_path)


def test_weights_of_no_known_family_are_refused(tmp_path):
    _old(tmp_path, "transformer.word_embedding.weight", config="config.json")
    with pytest.raises(Refused, match=r"config\.json names no model_type, and the weights beside it are neither"):
        layout_2019.convert(tmp_path, Silence())


def test_a_folder_of_2019_is_converted_whole(tmp_path):
    folder = make_2019(tmp_path, Task.FILL_MASK)
    with converted(folder, Silence()) as ready:
        checkpoint = load_checkpoint(ready.folder, None)
        assert ready.notes[1].startswith("config.json was made of bert_config.json and the names of the weights")
    assert checkpoint.task is Task.FILL_MASK
    assert sorted(path.name for path in folder.iterdir()) == ["bert_config.json", "pytorch_model.bin", "vocab.txt"]
