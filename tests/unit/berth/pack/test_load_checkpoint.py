"""load_checkpoint: what a folder's own files say, and every reason to refuse it.

Only JSON is read, so most weights here are empty files.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file

from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.references.fill_mask import PRETRAINED_ON_MASKS
from berth.sources.sample import sample_folder
from handler.config import Pooling, Task

TINY: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
}
# What some types call these, or need beside them.
TINY_SIZES: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "distilbert": {"dim": 32, "hidden_dim": 32},
    "electra": {"embedding_size": 16},
    "mobilebert": {"embedding_size": 16},
    "modernbert": {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3},
}


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


def test_the_sample():
    checkpoint = load_checkpoint(sample_folder(), None)
    assert (checkpoint.task, checkpoint.max_tokens) == (Task.EMBEDDINGS, 256)
    assert (checkpoint.pooling, checkpoint.normalize) == ((Pooling.MEAN,), True)
    assert {"config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json"} <= set(checkpoint.files)
    assert not {"README.md", ".gitattributes"} & set(checkpoint.files)


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("BertModel", Task.EMBEDDINGS),
        ("XLMRobertaModel", Task.EMBEDDINGS),
        ("DistilBertForSequenceClassification", Task.TEXT_CLASSIFICATION),
        ("ElectraForTokenClassification", Task.TOKEN_CLASSIFICATION),
        ("DebertaV2ForQuestionAnswering", Task.QUESTION_ANSWERING),
        ("ModernBertForMaskedLM", Task.FILL_MASK),
        ("BertForPreTraining", Task.FILL_MASK),
    ],
)
def test_the_task_is_in_config_json(tmp_path, architecture, task):
    folder = _write(tmp_path / "my-model", config=_bert(architectures=[architecture]))
    checkpoint = load_checkpoint(folder, None)
    assert checkpoint.task is task
    assert (checkpoint.pooling, checkpoint.normalize) == ((Pooling.MEAN,), False)


@pytest.mark.parametrize(
    "architectures", [["ElectraForPreTraining"], ["VisualBertForPreTraining"], ["BertLMHeadModel"], [], None]
)
def test_an_unknown_or_missing_task_lists_the_tasks(tmp_path, architectures):
    folder = _write(tmp_path, config=_bert(architectures=architectures))
    with pytest.raises(Refused, match=f"--task: {', '.join(Task)}"):
        load_checkpoint(folder, None)
    assert load_checkpoint(folder, Task.EMBEDDINGS).task is Task.EMBEDDINGS


@pytest.mark.parametrize("name", sorted(PRETRAINED_ON_MASKS))
def test_these_hold_a_masked_language_model_whole(tmp_path, name):
    pretrained_class = getattr(transformers, name)
    config_class = pretrained_class.config_class
    config = config_class(**TINY, **TINY_SIZES.get(config_class.model_type, {}))
    pretrained_class(config).save_pretrained(tmp_path)
    _, loading = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not loading["missing_keys"]
    assert load_checkpoint(tmp_path, None).task is Task.FILL_MASK


def test_a_natural_language_inference_model_classifies_unless_asked(tmp_path):
    labels = {"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"}
    folder = _write(tmp_path, config=_bert(architectures=["RobertaForSequenceClassification"], id2label=labels))
    assert load_checkpoint(folder, None).task is Task.TEXT_CLASSIFICATION
    assert load_checkpoint(folder, Task.ZERO_SHOT_CLASSIFICATION).task is Task.ZERO_SHOT_CLASSIFICATION


@pytest.mark.parametrize(
    ("task", "settings", "named"),
    [
        (Task.TEXT_RANKING, {}, "LABEL_0, LABEL_1; text-ranking needs exactly one"),
        (Task.TEXT_RANKING, {"num_labels": 3}, "LABEL_2; text-ranking needs exactly one"),
        (Task.ZERO_SHOT_CLASSIFICATION, {"id2label": {"0": "no", "1": "yes"}}, "no, yes; .* begins with `entail`"),
        (Task.ZERO_SHOT_CLASSIFICATION, {"id2label": {"0": "entailment"}}, "and another"),
    ],
)
def test_labels_that_do_not_fit_the_task_are_refused(tmp_path, task, settings, named):
    folder = _write(tmp_path, config=_bert(architectures=["BertForSequenceClassification"], **settings))
    with pytest.raises(Refused, match=named):
        load_checkpoint(folder, task)


def test_the_transformer_may_lie_in_a_folder_of_its_own(tmp_path):
    _write(tmp_path, modules=_old_modules("Transformer", "Pooling"))
    _write(tmp_path / "0_Transformer", config=_bert(), sentence_bert_config={"max_seq_length": 99})
    _write(tmp_path / "1_Pooling", config={"pooling_mode_mean_tokens": True})
    checkpoint = load_checkpoint(tmp_path, None)
    assert (checkpoint.root, checkpoint.max_tokens) == (tmp_path / "0_Transformer", 99)


@pytest.mark.parametrize(
    ("config", "tokenizer", "expected"),
    [
        (_bert(), {}, 512),
        (_bert(), {"model_max_length": 384}, 384),
        (_bert(), {"model_max_length": int(1e30)}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514}, {"model_max_length": 600}, 512),
        ({"model_type": "camembert", "max_position_embeddings": 100, "pad_token_id": 0}, {}, 99),
    ],
)
def test_the_token_limit_is_the_smallest(tmp_path, config, tokenizer, expected):
    _write(tmp_path, config=config, tokenizer_config=tokenizer)
    assert load_checkpoint(tmp_path, Task.EMBEDDINGS).max_tokens == expected


@pytest.mark.parametrize(
    ("model_type", "usable"),
    [
        ("albert", 40),
        ("bert", 40),
        ("camembert", 38),
        ("deberta-v2", 40),
        ("distilbert", 40),
        ("electra", 40),
        ("modernbert", 40),
        ("mpnet", 38),
        ("nomic_bert", 40),
        ("roberta", 38),
        ("xlm-roberta", 38),
    ],
)
def test_the_token_limit_is_what_the_model_can_take(tmp_path, model_type, usable):
    config = transformers.AutoConfig.for_model(model_type, **TINY, **TINY_SIZES.get(model_type, {}))
    model = transformers.AutoModel.from_config(config).eval()
    model.save_pretrained(tmp_path)
    limit = load_checkpoint(tmp_path, Task.EMBEDDINGS).max_tokens
    assert limit == usable
    with torch.inference_mode():
        assert model(torch.full((1, limit), 5)).last_hidden_state.isfinite().all()
    if model_type not in ("modernbert", "nomic_bert"):  # any number of rotary positions can be made
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, limit + 1), 5))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bert.embeddings.word_embeddings.weight", ': write the type of the model, such as "bert", into it'),
        ("embeddings.word_embeddings.weight", ': write the type of the model, such as "bert", into it'),
        ("model.embeddings.word_embeddings.weight", ", and the weights are called model.*PyTorchModelHubMixin"),
    ],
)
def test_no_model_type_is_refused(tmp_path, name, said):
    _write(tmp_path, config={"architectures": ["BertModel"], "max_position_embeddings": 512})
    save_file({name: torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(Refused, match=r"config\.json has no model_type" + said):
        load_checkpoint(tmp_path, None)


def test_no_token_limit_at_all_is_refused(tmp_path):
    _write(tmp_path, config={"model_type": "x"}, tokenizer_config={"model_max_length": int(1e30)})
    with pytest.raises(Refused, match="set model_max_length"):
        load_checkpoint(tmp_path, Task.EMBEDDINGS)


def test_custom_code_is_refused(tmp_path):
    _write(tmp_path, config=_bert(auto_map={"AutoModel": "modeling.X"}))
    with pytest.raises(Refused, match=r"config\.json has an auto_map: .* no MISSING and no UNEXPECTED weights"):
        load_checkpoint(tmp_path, None)


def test_a_tokenizer_of_its_own_code_is_refused(tmp_path):
    auto_map = {"AutoTokenizer": ["tokenization_kobert.KoBertTokenizer", None]}
    _write(tmp_path, config=_bert(), tokenizer_config={"auto_map": auto_map})
    with pytest.raises(
        Refused, match=r"tokenizer_config\.json has an auto_map: its tokenizer is Python code of its own"
    ):
        load_checkpoint(tmp_path, None)


@pytest.mark.parametrize("empty", [{}, None])
def test_an_auto_map_of_nothing_brings_no_code(tmp_path, empty):
    _write(tmp_path, config=_bert(auto_map=empty))
    assert load_checkpoint(tmp_path, Task.EMBEDDINGS).task is Task.EMBEDDINGS


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"has no config\.json"):
        load_checkpoint(tmp_path, None)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(Refused, match=r"config\.json is not JSON"):
        load_checkpoint(tmp_path, None)
    (tmp_path / "config.json").write_text(json.dumps(_bert()))
    with pytest.raises(Refused, match=r"has no model\.safetensors"):
        load_checkpoint(tmp_path, None)


def test_shards_travel_with_their_index(tmp_path):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    _write(tmp_path, config=_bert(), **{"model.safetensors.index": index})
    (tmp_path / "model.safetensors").rename(tmp_path / "model-1.safetensors")
    with pytest.raises(Refused, match=r"names model-2\.safetensors, which is not .*: download the checkpoint again"):
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


def _cached(repository: Path, inner: str) -> Path:
    """A folder in the snapshot of a repository of the cache, whose files are links to the blobs."""
    folder, blobs = repository / "snapshots/0a1b" / inner, repository / "blobs"
    _write(blobs, config=_bert())
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).symlink_to(blobs / name)
    return folder


@pytest.mark.parametrize("inner", ["", "checkpoint-500", "0_Transformer"])
def test_a_hugging_face_cache_is_read_through_its_links(tmp_path, inner):
    folder = _cached(tmp_path / "models--o--m", inner)
    assert load_checkpoint(folder, None).files == ("config.json", "model.safetensors")


def test_blobs_of_another_repository_are_outside(tmp_path):
    _cached(tmp_path / "models--o--other", "")
    folder = _cached(tmp_path / "models--o--m", "checkpoint-500")
    (folder / "vocab.txt").symlink_to(tmp_path / "models--o--other/blobs/config.json")
    with pytest.raises(Refused, match=r"vocab\.txt leads outside the checkpoint"):
        load_checkpoint(folder, None)


def test_a_link_that_leaves_the_checkpoint_is_refused(tmp_path):
    (tmp_path / "secret.txt").touch()
    folder = _write(tmp_path / "checkpoint", config=_bert())
    (folder / "vocab.txt").symlink_to("../secret.txt")
    with pytest.raises(Refused, match=r"vocab\.txt leads outside the checkpoint"):
        load_checkpoint(folder, None)
