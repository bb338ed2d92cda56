"""A packed stream gives each text what plain transformers ("eager") gives it alone, whatever the architecture."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from handler.config import Task
from handler.engine.attention import ATTENTION_NAME, register_attention
from handler.engine.hooks import keep_first_tokens, keep_masks
from handler.engine.packing import bound_rows, find_first_position, pack_texts, unpack_buffer
from handler.engine.relative.adapt import read_streams
from handler.text.encoded import EncodedText
from tests.conftest import MakeCheckpoint
from tests.support.checkpoints import ARCHITECTURES, RELATIVE, TASKS_OF, make_checkpoint

TOLERANCE = 1e-5  # fp32: the largest difference over all architectures is 3.3e-6 (AMD EPYC, 2026-11-25)
# To either side of ModernBERT's window (17), of WINDOW_BLOCK (128), and the shortest and longest texts there are.
LENGTHS = (1, 2, 17, 3, 18, 16, 64, 127, 512, 128, 129, 300, 1, 34, 33)
CLASSES: dict[Task, Any] = {
    Task.EMBEDDINGS: AutoModel,
    Task.TEXT_CLASSIFICATION: AutoModelForSequenceClassification,
    Task.TOKEN_CLASSIFICATION: AutoModelForTokenClassification,
    Task.QUESTION_ANSWERING: AutoModelForQuestionAnswering,
    Task.FILL_MASK: AutoModelForMaskedLM,
}
PACKED_TASKS = [(name, task) for name in ARCHITECTURES for task in TASKS_OF[name] if task in CLASSES]
EACH_MASKED_LM: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ARCHITECTURES),
    ("deberta-v2", {"legacy": False}),
]


@pytest.fixture(autouse=True)
def attention() -> None:
    register_attention(torch.device("cpu"), torch.float32)


def load(folder: Path, task: Task, attention: str) -> Any:
    return CLASSES[task].from_pretrained(folder, attn_implementation=attention).eval()


def load_packed(folder: Path, task: Task) -> Any:
    """With the hook of its task."""
    model = load(folder, task, ATTENTION_NAME)
    read_streams(model)
    if task is Task.TEXT_CLASSIFICATION:
        model.base_model.register_forward_hook(keep_first_tokens, with_kwargs=True)
    if task is Task.FILL_MASK:
        hook = keep_masks(AutoTokenizer.from_pretrained(folder).mask_token_id)
        model.base_model.register_forward_hook(hook, with_kwargs=True)
    return model


def random_texts(tokenizer: Any, lengths: tuple[int, ...] = LENGTHS) -> list[EncodedText]:
    """Random tokens behind the first token of every text, and two masks in the longer ones."""
    generator = torch.Generator().manual_seed(5)
    texts = []
    for length in lengths:
        ids = torch.randint(200, len(tokenizer) - 1, (length,), generator=generator)
        ids[[length // 2, length - 1]] = tokenizer.mask_token_id
        ids[0] = tokenizer.cls_token_id
        types = torch.randint(0, 2, (length,), generator=generator)
        texts.append(EncodedText(ids=ids.int().numpy(), type_ids=types.char().numpy(), num_tokens_uncut=length))
    return texts


def values(output: Any) -> Tensor:
    """What a task reads of the model, [..., width]."""
    if "start_logits" in output:
        return torch.stack([output.start_logits, output.end_logits], -1)
    read: Tensor = output.last_hidden_state if "last_hidden_state" in output else output.logits
    return read


def type_ids_where_read(tokenizer: Any, types: Tensor) -> dict[str, Tensor]:
    return {"token_type_ids": types} if "token_type_ids" in tokenizer.model_input_names else {}


@torch.inference_mode()
def one_by_one(folder: Path, task: Task, texts: list[EncodedText]) -> Iterator[Tensor]:
    """Of each text: [T, width], [width], or [masks, width]."""
    model, tokenizer = load(folder, task, "eager"), AutoTokenizer.from_pretrained(folder)
    for text in texts:
        ids = torch.from_numpy(text.ids).long().unsqueeze(0)
        types = type_ids_where_read(tokenizer, torch.from_numpy(text.type_ids).long().unsqueeze(0))
        (rows,) = values(model(input_ids=ids, **types))
        yield rows[ids[0] == tokenizer.mask_token_id] if task is Task.FILL_MASK else rows


@torch.inference_mode()
def packed(folder: Path, task: Task, texts: list[EncodedText]) -> Tensor:
    """Of all texts in one stream: their results, one after the other [rows, width]."""
    model, tokenizer = load_packed(folder, task), AutoTokenizer.from_pretrained(folder)
    costs = [text.num_tokens for text in texts]
    (batch,) = pack_texts(texts, costs, 10_000, find_first_position(model))
    (ids, positions, types), bounds = unpack_buffer(torch.from_numpy(batch.buffer), batch)
    types_read = type_ids_where_read(tokenizer, types)
    output = values(model(input_ids=ids, position_ids=positions, text_bounds=bounds, **types_read))
    return output if task is Task.TEXT_CLASSIFICATION else output[0]


def largest_difference(folder: Path, task: Task) -> float:
    texts = random_texts(AutoTokenizer.from_pretrained(folder))
    expected = [rows.reshape(-1, rows.shape[-1]) for rows in one_by_one(folder, task, texts)]
    together = torch.cat(expected)
    assert together.std(0).mean() > 1000 * TOLERANCE  # texts and positions differ, or nothing would be shown here
    return (packed(folder, task, texts) - together).abs().max().item()


@pytest.mark.parametrize(("architecture", "task"), PACKED_TASKS)
def test_packed_equals_one_by_one(checkpoint: MakeCheckpoint, architecture: str, task: Task) -> None:
    assert largest_difference(checkpoint(architecture, task), task) < TOLERANCE


def test_packed_equals_one_by_one_where_the_head_reads_a_mean(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, "modernbert", Task.TEXT_CLASSIFICATION, classifier_pooling="mean")
    assert largest_difference(folder, Task.TEXT_CLASSIFICATION) < TOLERANCE


@pytest.fixture
def unadapted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a family that nobody has adapted."""
    monkeypatch.setattr(f"{__name__}.read_streams", lambda _: None)


@pytest.mark.parametrize("task", [Task.EMBEDDINGS, Task.TOKEN_CLASSIFICATION, Task.QUESTION_ANSWERING])
@pytest.mark.parametrize("architecture", RELATIVE)
@pytest.mark.usefixtures("unadapted")
def test_some_ignore_the_attention_they_are_given(checkpoint: MakeCheckpoint, architecture: str, task: Task) -> None:
    """Without an error: this is why each load compares answers."""
    assert largest_difference(checkpoint(architecture, task), task) > 0.1


@pytest.mark.parametrize("architecture", RELATIVE)
@pytest.mark.usefixtures("unadapted")
def test_those_give_one_row_for_all_texts(checkpoint: MakeCheckpoint, architecture: str) -> None:
    """Their heads do not hand text_bounds on, so that the hook cannot know of the texts."""
    folder = checkpoint(architecture, Task.TEXT_CLASSIFICATION)
    texts = random_texts(AutoTokenizer.from_pretrained(folder))
    assert len(packed(folder, Task.TEXT_CLASSIFICATION, texts)) == 1


OTHER_DEBERTAS: dict[str, dict[str, Any]] = {
    "content to position alone": {"pos_att_type": ["c2p"]},
    "position to content alone, projected by itself": {"pos_att_type": ["p2c"], "share_att_key": False},
    "no bias": {"pos_att_type": []},
    "no relative positions": {"relative_attention": False, "position_biased_input": True},
    "a position for each distance": {"position_buckets": -1},
    "fewer distances than a text has": {"position_buckets": -1, "max_relative_positions": 100},
    "a convolution, as v2-xlarge": {"conv_kernel_size": 3, "conv_act": "gelu"},
}


@pytest.mark.parametrize("settings", OTHER_DEBERTAS.values(), ids=OTHER_DEBERTAS.keys())
def test_debertas_of_all_kinds(tmp_path: Path, settings: dict[str, Any]) -> None:
    folder = make_checkpoint(tmp_path, "deberta-v2", Task.TOKEN_CLASSIFICATION, **settings)
    assert largest_difference(folder, Task.TOKEN_CLASSIFICATION) < TOLERANCE


@pytest.mark.parametrize("architecture", RELATIVE)
def test_a_pass_that_fails_leaves_no_texts_behind(checkpoint: MakeCheckpoint, architecture: str) -> None:
    model = load_packed(checkpoint(architecture, Task.TEXT_CLASSIFICATION), Task.TEXT_CLASSIFICATION)
    ids = torch.tensor([[1, 9, 8, 2], [1, 7, 6, 2]])
    expected = model(input_ids=ids).logits
    with pytest.raises(RuntimeError):
        model(input_ids=ids[:1], text_bounds=bound_rows([40], torch.device("cpu")))
    torch.testing.assert_close(model(input_ids=ids).logits, expected)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_rows_of_one_length_equal_eager_and_so_do_gradients(checkpoint: MakeCheckpoint, architecture: str) -> None:
    """What an explanation of a prediction needs: no bounds, the hook of the packed engine still there."""
    folder = checkpoint(architecture, Task.TEXT_CLASSIFICATION)
    texts = random_texts(AutoTokenizer.from_pretrained(folder), (200, 200, 200))
    ids = torch.tensor([text.ids.tolist() for text in texts])
    results = []
    for model in (load(folder, Task.TEXT_CLASSIFICATION, "eager"), load_packed(folder, Task.TEXT_CLASSIFICATION)):
        logits = model(input_ids=ids).logits
        (gradient,) = torch.autograd.grad(logits[:, 0].sum(), model.get_input_embeddings().weight)
        results.append((logits.detach(), gradient))
    (expected, expected_gradient), (logits, gradient) = results
    assert logits.shape == (3, 3)
    torch.testing.assert_close(logits, expected, rtol=0, atol=TOLERANCE)
    largest = expected_gradient.abs().max()
    torch.testing.assert_close(gradient / largest, expected_gradient / largest, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@torch.inference_mode()
def test_first_position_is_the_one_that_the_model_would_choose(checkpoint: MakeCheckpoint, architecture: str) -> None:
    folder = checkpoint(architecture, Task.TEXT_CLASSIFICATION)
    model = load(folder, Task.TEXT_CLASSIFICATION, "eager")
    (text,) = random_texts(AutoTokenizer.from_pretrained(folder), (512,))
    ids = torch.from_numpy(text.ids).long().unsqueeze(0)
    first = find_first_position(model)
    assert first == (2 if architecture in ("roberta", "xlm-roberta", "camembert", "mpnet") else 0)
    chosen = model.base_model(input_ids=ids, position_ids=torch.arange(first, first + 512).unsqueeze(0))
    torch.testing.assert_close(chosen.last_hidden_state, model.base_model(input_ids=ids).last_hidden_state)


@pytest.fixture(scope="module")
def masked_lm(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Any, Any]]:
    def make(architecture: str, **settings: Any) -> tuple[Any, Any]:
        folder = make_checkpoint(tmp_path_factory.mktemp(architecture), architecture, Task.FILL_MASK, **settings)
        return load(folder, Task.FILL_MASK, "eager"), AutoTokenizer.from_pretrained(folder)

    return make


@pytest.mark.parametrize(("architecture", "settings"), EACH_MASKED_LM)
@torch.inference_mode()
def test_masks_of_padded_rows(
    masked_lm: Callable[..., tuple[Any, Any]], architecture: str, settings: dict[str, Any]
) -> None:
    model, tokenizer = masked_lm(architecture, **settings)
    texts = [text.ids.tolist() for text in random_texts(tokenizer, (9, 1, 20, 5))]
    encoded = tokenizer.pad({"input_ids": texts}, return_tensors="pt")
    expected = model(**encoded).logits[encoded["input_ids"] == tokenizer.mask_token_id]
    model.base_model.register_forward_hook(keep_masks(tokenizer.mask_token_id), with_kwargs=True)
    (masks,) = model(**encoded).logits
    assert masks.shape == (6, len(tokenizer))
    torch.testing.assert_close(masks, expected, rtol=0, atol=TOLERANCE)


@torch.inference_mode()
def test_masks_however_the_model_is_called(masked_lm: Callable[..., tuple[Any, Any]]) -> None:
    model, tokenizer = masked_lm("bert")
    base = model.base_model
    base.register_forward_hook(keep_masks(tokenizer.mask_token_id), with_kwargs=True)
    ids = torch.tensor([[101, 103, 2003, 102]])
    for output in (base(ids), base(input_ids=ids)):
        assert output.last_hidden_state.shape == (1, 1, 64)
    assert model(torch.tensor([[101, 2003, 102]])).logits.shape == (1, 0, len(tokenizer))
    embeddings = base.get_input_embeddings()(ids)
    assert base(inputs_embeds=embeddings).last_hidden_state.shape == (1, 4, 64)
