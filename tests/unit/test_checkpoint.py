"""load_checkpoint: what a folder's own files say, and every reason to refuse it.

Only JSON is read, so most weights here are empty files.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from berth.checkpoint import load_checkpoint
from berth.errors import Refused
from berth.sample import INSTALL, PACKAGE, sample_folder
from handler.config import Pooling, Task
from tests.checkpoints import make_checkpoint


def _write(folder: Path, **files: object) -> Path:
    """A checkpoint folder: each keyword is a JSON file's name, and the weights are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    (folder / "model.safetensors").touch()
    return folder


def _bert(**settings: object) -> dict[str, object]:
    return {"model_type": "bert", "architectures": ["BertModel"], "max_position_embeddings": 512} | settings


def _old_modules(*kinds: str) -> list[dict[str, str]]:
    """modules.json of the layout where the transformer lies in a folder of its own."""
    types = ((number, kind, f"sentence_transformers.models.{kind}") for number, kind in enumerate(kinds))
    return [{"path": f"{number}_{kind}", "type": type_} for number, kind, type_ in types]


def _sentence_model(folder: Path, kinds: str = "Transformer Pooling", **pooling: object) -> Path:
    """A sentence-transformers checkpoint of the old naming."""
    paths = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize", "Dense": "2_Dense"}
    steps = [{"path": paths[kind], "type": f"sentence_transformers.models.{kind}"} for kind in kinds.split()]
    _write(folder, config=_bert(), modules=steps)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def test_the_sample():
    checkpoint = load_checkpoint(None, None)
    assert (checkpoint.name, checkpoint.task, checkpoint.max_tokens) == ("bert", Task.EMBEDDINGS, 256)
    assert (checkpoint.pooling, checkpoint.normalize) == (Pooling.MEAN, True)
    assert {"config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json"} <= set(checkpoint.files)
    assert not {"README.md", ".gitattributes"} & set(checkpoint.files)


def test_an_altered_sample_is_refused(tmp_path, monkeypatch):
    shutil.copytree(sample_folder(), tmp_path / PACKAGE / "model")
    (tmp_path / PACKAGE / "__init__.py").touch()
    with (tmp_path / PACKAGE / "model" / "model.safetensors").open("r+b") as weights:
        weights.seek(1000)
        weights.write(b"\xff")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Refused, match="is not the published sample model: its sha256 is"):
        load_checkpoint(None, None)


def test_an_absent_sample_names_the_command(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(Refused) as refused:
        load_checkpoint(None, None)
    assert f"`{INSTALL}`" in str(refused.value)
    assert "`make setup`" in str(refused.value)


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("BertModel", Task.EMBEDDINGS),
        ("XLMRobertaModel", Task.EMBEDDINGS),
        ("DistilBertForSequenceClassification", Task.TEXT_CLASSIFICATION),
    ],
)
def test_the_task_is_in_config_json(tmp_path, architecture, task):
    folder = _write(tmp_path / "my-model", config=_bert(architectures=[architecture]))
    checkpoint = load_checkpoint(folder, None)
    assert (checkpoint.task, checkpoint.name) == (task, "my-model")
    assert (checkpoint.pooling, checkpoint.normalize) == (Pooling.MEAN, False)


@pytest.mark.parametrize("architectures", [["BertForMaskedLM"], [], None])
def test_an_unknown_or_missing_task_lists_the_tasks(tmp_path, architectures):
    folder = _write(tmp_path, config=_bert(architectures=architectures))
    with pytest.raises(Refused, match="--task: embeddings, text-classification"):
        load_checkpoint(folder, None)
    assert load_checkpoint(folder, Task.EMBEDDINGS).task is Task.EMBEDDINGS


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, Pooling.CLS),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, Pooling.MEAN),
        ({"pooling_mode": "cls"}, Pooling.CLS),
        ({"pooling_mode": ["mean"]}, Pooling.MEAN),
        ({}, Pooling.MEAN),
    ],
)
def test_pooling_in_both_spellings(tmp_path, config, pooling):
    checkpoint = load_checkpoint(_sentence_model(tmp_path, **config), None)
    assert (checkpoint.task, checkpoint.pooling, checkpoint.normalize) == (Task.EMBEDDINGS, pooling, False)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, "max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "'cls', 'mean'"),
        ({"pooling_mode": "weightedmean"}, "weightedmean"),
    ],
)
def test_another_pooling_is_refused_by_name(tmp_path, config, named):
    with pytest.raises(Refused, match=f"pools by .*{named}.*berth has mean, cls"):
        load_checkpoint(_sentence_model(tmp_path, **config), None)


@pytest.mark.parametrize("kinds", ["Transformer Pooling Dense", "Transformer Pooling Dense Normalize"])
def test_a_module_that_we_lack_is_refused_by_name(tmp_path, kinds):
    with pytest.raises(Refused, match="the module Dense; berth has Transformer, Pooling, Normalize"):
        load_checkpoint(_sentence_model(tmp_path, kinds), None)


@pytest.mark.parametrize(
    ("file", "setting"),
    [
        ("sentence_bert_config", {"do_lower_case": True}),
        ("config_sentence_transformers", {"default_prompt_name": "query"}),
    ],
)
def test_texts_that_would_be_changed_first_are_refused(tmp_path, file, setting):
    folder = _sentence_model(tmp_path)
    (folder / f"{file}.json").write_text(json.dumps(setting))
    with pytest.raises(Refused, match=next(iter(setting))):
        load_checkpoint(folder, None)


@pytest.mark.parametrize("part", ["", "0_Transformer"])
def test_texts_that_would_be_changed_first_are_refused_in_the_old_layout(tmp_path, part):
    _write(tmp_path, modules=_old_modules("Transformer", "Pooling"))
    _write(tmp_path / "0_Transformer", config=_bert())
    _write(tmp_path / part, sentence_bert_config={"do_lower_case": True})
    with pytest.raises(Refused, match=r"sentence_bert_config\.json sets do_lower_case"):
        load_checkpoint(tmp_path, None)


def test_a_module_of_foreign_code_is_refused_by_name(tmp_path):
    folder = _write(tmp_path, config=_bert(), modules=[{"path": "", "type": "custom_st.Transformer"}])
    with pytest.raises(Refused, match=r"the module custom_st\.Transformer"):
        load_checkpoint(folder, Task.EMBEDDINGS)


def test_the_transformer_may_lie_in_a_folder_of_its_own(tmp_path):
    _write(tmp_path, modules=_old_modules("Transformer", "Pooling"))
    _write(tmp_path / "0_Transformer", config=_bert(), sentence_bert_config={"max_seq_length": 99})
    checkpoint = load_checkpoint(tmp_path, None)
    assert (checkpoint.root, checkpoint.max_tokens) == (tmp_path / "0_Transformer", 99)


@pytest.mark.parametrize(
    ("config", "tokenizer", "sentence", "expected"),
    [
        (_bert(), {}, {}, 512),
        (_bert(), {"model_max_length": 384}, {}, 384),
        (_bert(), {"model_max_length": 512}, {"max_seq_length": 128}, 128),
        (_bert(), {"model_max_length": int(1e30)}, {"max_seq_length": None}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {}, {}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514}, {"model_max_length": 600}, {}, 512),
        ({"model_type": "camembert", "max_position_embeddings": 100, "pad_token_id": 0}, {}, {}, 99),
    ],
)
def test_the_token_limit_is_the_smallest(tmp_path, config, tokenizer, sentence, expected):
    _write(tmp_path, config=config, tokenizer_config=tokenizer, sentence_bert_config=sentence)
    assert load_checkpoint(tmp_path, Task.EMBEDDINGS).max_tokens == expected


def test_no_token_limit_at_all_is_refused(tmp_path):
    _write(tmp_path, config={"model_type": "x"}, tokenizer_config={"model_max_length": int(1e30)})
    with pytest.raises(Refused, match="set model_max_length"):
        load_checkpoint(tmp_path, Task.EMBEDDINGS)


@pytest.mark.parametrize("name", ["config", "tokenizer_config"])
def test_custom_code_is_refused(tmp_path, name):
    _write(tmp_path, **({"config": _bert()} | {name: _bert(auto_map={"AutoModel": "modeling.X"})}))
    with pytest.raises(Refused, match=rf"{name}\.json has an auto_map"):
        load_checkpoint(tmp_path, None)


@pytest.mark.parametrize("name", ["org/model", "bert-base-uncased"])
def test_a_hub_id_gets_the_command_that_downloads_it(name):
    with pytest.raises(Refused, match=f"hf download {name} --local-dir {Path(name).name}"):
        load_checkpoint(Path(name), None)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(Refused, match="is no folder"):
        load_checkpoint(tmp_path / "a" / "b" / "absent", None)
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="is a file: give the folder"):
        load_checkpoint(tmp_path / "file", None)
    with pytest.raises(Refused, match=r"holds no config\.json"):
        load_checkpoint(tmp_path, None)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(Refused, match=r"config\.json is not JSON"):
        load_checkpoint(tmp_path, None)
    (tmp_path / "config.json").write_text(json.dumps(_bert()))
    with pytest.raises(Refused, match=r"holds no model\.safetensors"):
        load_checkpoint(tmp_path, None)


def test_shards_travel_with_their_index(tmp_path):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    _write(tmp_path, config=_bert(), **{"model.safetensors.index": index})
    (tmp_path / "model.safetensors").rename(tmp_path / "model-1.safetensors")
    with pytest.raises(Refused, match=r"names model-2\.safetensors: download the checkpoint again"):
        load_checkpoint(tmp_path, None)
    (tmp_path / "model-2.safetensors").touch()
    expected = ("config.json", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json")
    assert load_checkpoint(tmp_path, None).files == expected


def test_what_is_not_needed_stays_behind(tmp_path):
    _write(tmp_path, config=_bert())
    for name in ("README.md", "pytorch_model.bin", "training_args.bin", "onnx/model.onnx", ".git/config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert load_checkpoint(tmp_path, None).files == ("config.json", "model.safetensors")


def test_a_hugging_face_cache_is_read_through_its_links(tmp_path):
    snapshot, blobs = tmp_path / "models--o--m/snapshots/0a1b", tmp_path / "models--o--m/blobs"
    _write(blobs, config=_bert())
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).symlink_to(Path("../../blobs") / name)
    assert load_checkpoint(snapshot, None).files == ("config.json", "model.safetensors")


def test_a_link_that_leaves_the_checkpoint_is_refused(tmp_path):
    (tmp_path / "secret.txt").touch()
    folder = _write(tmp_path / "checkpoint", config=_bert())
    (folder / "vocab.txt").symlink_to("../secret.txt")
    with pytest.raises(Refused, match=r"vocab\.txt leads outside the checkpoint"):
        load_checkpoint(folder, None)


@pytest.mark.parametrize("task", list(Task))
def test_the_lines_that_convert_pickles_make_a_checkpoint(tmp_path, task):
    folder = make_checkpoint(tmp_path / "pickled", "bert", task)
    _pickle_weights(folder)
    with pytest.raises(Refused, match="only as pickles") as refused:
        load_checkpoint(folder, None)
    _run_lines(refused.value)
    converted = load_checkpoint(tmp_path / "pickled-safetensors", None)
    assert (converted.task, "model.safetensors" in converted.files) == (task, True)


def test_the_lines_that_convert_pickles_keep_the_pooling_of_the_old_layout(tmp_path):
    outer = _write(tmp_path / "old", modules=_old_modules("Transformer", "Pooling", "Normalize"))
    _write(outer / "1_Pooling", config={"pooling_mode": "cls"})
    _pickle_weights(make_checkpoint(outer / "0_Transformer", "bert", Task.EMBEDDINGS))
    with pytest.raises(Refused, match="only as pickles") as refused:
        load_checkpoint(outer, None)
    _run_lines(refused.value)
    converted = load_checkpoint(tmp_path / "old-safetensors", None)
    assert (converted.pooling, converted.normalize) == (Pooling.CLS, True)
    assert "model.safetensors" in converted.files


def _run_lines(refused: Refused) -> None:
    """Run the python lines that a refusal shows."""
    lines = "\n".join(line.strip() for line in str(refused).splitlines()[1:])
    subprocess.run([sys.executable, "-c", lines], check=True, capture_output=True)


def _pickle_weights(folder: Path) -> None:
    from safetensors.torch import load_file  # noqa: PLC0415

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
