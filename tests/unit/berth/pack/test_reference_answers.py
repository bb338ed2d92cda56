"""reference_answers: what transformers' own pipeline, and a padded batch, answer to the same texts."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer, pipeline

from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.reference_answers import reference_answers
from berth.pack.references import count_inputs
from berth.pack.references.known_texts import TEXTS
from berth.pack.references.text_classification import PAIR
from berth.sources.sample import sample_folder
from handler.config import Task
from tests.support.checkpoints import LABELS, make_checkpoint

ROUNDING = 1.5e-6  # both sides are fp32, and ours is rounded to 1e-6


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("bert"), "bert", Task.TEXT_CLASSIFICATION)


def test_logits_are_the_pipelines(classifier):
    known = reference_answers(load_checkpoint(classifier, None))
    ask: Any = pipeline("text-classification", model=str(classifier), top_k=None, device="cpu")
    assert known.inputs == (*TEXTS, PAIR)
    for text, answer in zip(known.inputs, known.answers, strict=True):
        scores = {item["label"]: item["score"] for item in ask([text], truncation=True, function_to_apply="none")[0]}
        assert answer == pytest.approx([scores[label] for label in LABELS.values()], abs=ROUNDING)


def test_a_model_with_one_token_type_is_asked_no_pair_of_a_tokenizer_with_two(tmp_path):
    """klue/roberta, behind BERT's tokenizer: transformers has no row for a second text's type."""
    folder = make_checkpoint(tmp_path / "texts", "bert", Task.TEXT_CLASSIFICATION, type_vocab_size=1)
    assert reference_answers(load_checkpoint(folder, None)).inputs == TEXTS
    ranker = make_checkpoint(tmp_path / "pairs", "bert", Task.TEXT_RANKING, type_vocab_size=1)
    with pytest.raises(Refused, match=r"a token type that the model does not have .* and text-ranking reads pairs"):
        reference_answers(load_checkpoint(ranker, Task.TEXT_RANKING))


def test_the_samples_embeddings_are_those_of_a_padded_batch():
    checkpoint = load_checkpoint(sample_folder(), None)
    known = reference_answers(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.root)
    encoded = tokenizer(list(TEXTS), padding=True, truncation=True, max_length=256, return_tensors="pt")
    assert encoded["input_ids"].shape[1] == 256  # one of the texts is cut
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(checkpoint.root)(**encoded).last_hidden_state
    mask = encoded["attention_mask"].unsqueeze(-1)
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1))
    assert torch.allclose(torch.tensor(known.answers), expected, atol=ROUNDING)


def test_answers_do_not_change(classifier):
    checkpoint = load_checkpoint(classifier, None)
    assert reference_answers(checkpoint) == reference_answers(checkpoint)


def test_a_head_that_was_never_trained_is_refused(tmp_path):
    folder = make_checkpoint(tmp_path, "distilbert", Task.EMBEDDINGS)
    with pytest.raises(Refused, match=r"has no weights for classifier\.bias, which text-classification needs"):
        reference_answers(load_checkpoint(folder, Task.TEXT_CLASSIFICATION))


def test_an_encoder_without_a_pooler_embeds(tmp_path):
    folder = make_checkpoint(tmp_path, "bert", Task.EMBEDDINGS)
    weights = {name: tensor for name, tensor in load_file(folder / "model.safetensors").items() if "pooler" not in name}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert len(reference_answers(load_checkpoint(folder, None)).answers) == len(TEXTS)


def test_damaged_weights_are_refused(classifier):
    checkpoint = load_checkpoint(classifier, None)
    file = checkpoint.root / "model.safetensors"
    weights = load_file(file)
    weights["classifier.bias"] = weights["classifier.bias"] * float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(Refused, match="numbers that are not finite"):
        reference_answers(checkpoint)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(Refused, match="transformers cannot load"):
        reference_answers(checkpoint)


@pytest.mark.parametrize("task", [Task.EMBEDDINGS, Task.FILL_MASK, Task.TEXT_RANKING])
def test_each_known_input_is_counted(checkpoint, task):
    loaded = load_checkpoint(checkpoint("bert", task), task)
    done: list[int] = []
    known = reference_answers(loaded, done.append)
    assert sum(done) == count_inputs(loaded) == len(known.inputs)


def test_a_type_that_transformers_does_not_know_is_refused(classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "model")
    config = folder / "config.json"
    config.write_text(config.read_text("utf-8").replace('"model_type": "bert"', '"model_type": "bert-of-tomorrow"'))
    with pytest.raises(
        Refused, match=r"its model_type is bert-of-tomorrow, which transformers 5\.\d+\.\d+ does not know"
    ):
        reference_answers(load_checkpoint(folder, None))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("hidden_dropout_prob", None, "hidden_dropout_prob is null, and transformers wants a number or a whole number"),
        ("hidden_act", 5, "hidden_act is 5, and transformers wants a text there: write that, or take the line out"),
        ("use_cache", 2, "use_cache is 2, and transformers wants true or false there"),
        ("pad_token_id", "first", 'pad_token_id is "first", and transformers wants a whole number or null there'),
        ("hidden_act", "nosuch", r"transformers cannot load .*KeyError: 'nosuch'; berth packs what transformers 5"),
        (
            "num_attention_heads",
            7,
            "The hidden size .64. is not a multiple of the number of attention heads .7.; berth",
        ),
    ],
)
def test_a_setting_that_transformers_does_not_take_is_named(tmp_path, name, value, wanted):
    folder = make_checkpoint(tmp_path, "bert", Task.TEXT_CLASSIFICATION)
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {name: value}), "utf-8")
    with pytest.raises(Refused, match=wanted) as refused:
        reference_answers(load_checkpoint(folder, None))
    assert str(folder) in str(refused.value)
    assert "\n" not in str(refused.value)
