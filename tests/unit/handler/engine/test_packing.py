"""A packed stream gives each text what plain transformers ("eager") gives it alone, whatever the architecture."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from handler.config import Task
from handler.engine.attention import (
    ATTENTION_NAME,
    WINDOW_BLOCK,
    attend_each_text,
    attend_varlen,
    make_attention,
    register_attention,
)
from handler.engine.hooks import keep_first_tokens, keep_masks
from handler.engine.packing import TextBounds, bound_rows, find_first_position, pack_texts, unpack_buffer
from handler.text.encoded import EncodedText
from tests.conftest import MakeCheckpoint
from tests.support.checkpoints import ARCHITECTURES, TASKS_OF, UNPACKABLE, make_checkpoint

TOLERANCE = 1e-5  # fp32: the largest difference over all architectures is 3.3e-6 (AMD EPYC, 2026-11-25)
# To either side of ModernBERT's window (17), of WINDOW_BLOCK (128), and the shortest and longest texts there are.
LENGTHS = (1, 2, 17, 3, 18, 16, 64, 127, 512, 128, 129, 300, 1, 34, 33)
PACKABLE = [architecture for architecture in ARCHITECTURES if architecture not in UNPACKABLE]
CLASSES: dict[Task, Any] = {
    Task.EMBEDDINGS: AutoModel,
    Task.TEXT_CLASSIFICATION: AutoModelForSequenceClassification,
    Task.TOKEN_CLASSIFICATION: AutoModelForTokenClassification,
    Task.QUESTION_ANSWERING: AutoModelForQuestionAnswering,
    Task.FILL_MASK: AutoModelForMaskedLM,
}
PACKED_TASKS = [(name, task) for name in PACKABLE for task in TASKS_OF[name] if task in CLASSES]
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


@pytest.mark.parametrize("task", [Task.EMBEDDINGS, Task.TOKEN_CLASSIFICATION, Task.QUESTION_ANSWERING])
@pytest.mark.parametrize("architecture", UNPACKABLE)
def test_some_ignore_the_attention_they_are_given(checkpoint: MakeCheckpoint, architecture: str, task: Task) -> None:
    """Without an error: this is why each load compares answers."""
    assert largest_difference(checkpoint(architecture, task), task) > 0.1


@pytest.mark.parametrize("architecture", UNPACKABLE)
def test_those_give_one_row_for_all_texts(checkpoint: MakeCheckpoint, architecture: str) -> None:
    """Their heads do not hand text_bounds on, so that the hook cannot know of the texts."""
    folder = checkpoint(architecture, Task.TEXT_CLASSIFICATION)
    texts = random_texts(AutoTokenizer.from_pretrained(folder))
    assert len(packed(folder, Task.TEXT_CLASSIFICATION, texts)) == 1


@pytest.mark.parametrize("architecture", PACKABLE)
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


def random_heads(rows: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value [rows, heads, length, head_size]."""
    query, key, value = torch.randn(3, rows, 2, length, 8, generator=torch.Generator().manual_seed(6))
    return query, key, value


def attend_plainly(query: Tensor, key: Tensor, value: Tensor, reach: float) -> Tensor:
    """By the book, to the tokens at a distance of `reach` or less: [rows, length, heads, head_size]."""
    positions = torch.arange(query.shape[2])
    is_far = (positions.unsqueeze(1) - positions).abs() > reach
    scores = (query @ key.transpose(2, 3) / 8**0.5).masked_fill(is_far, -torch.inf)
    return (scores.softmax(-1) @ value).transpose(1, 2)


def bounds_of(*lengths: int) -> TextBounds:
    return bound_rows(list(lengths), torch.device("cpu"))


WINDOWED_LENGTHS = (1, 4, 5, 6, 7, WINDOW_BLOCK - 1, WINDOW_BLOCK, WINDOW_BLOCK + 1, 3 * WINDOW_BLOCK + 3)


@pytest.mark.parametrize("length", WINDOWED_LENGTHS)
@pytest.mark.parametrize("window", [1, 5, 6, WINDOW_BLOCK + 1, None])
def test_window_ends_where_transformers_ends_it(length: int, window: int | None) -> None:
    """ModernBERT asks for its config.sliding_window + 1 and means a distance of config.sliding_window or less."""
    heads = random_heads(2, length)
    attended, _ = make_attention(attend_each_text)(nn.Module(), *heads, None, sliding_window=window)
    torch.testing.assert_close(attended, attend_plainly(*heads, length if window is None else window - 1))


def attend_as_varlen(*heads: Tensor, window_size: tuple[int, int], scale: float | None) -> Tensor:
    """varlen_attn by its documentation, for a machine without CUDA: a text after the other, window ends included."""
    query, key, value, bounds, *_ = heads
    parts = []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        q, k, v = (part[start:end].transpose(0, 1).unsqueeze(0) for part in (query, key, value))
        parts.append(attend_plainly(q, k, v, end - start if window_size == (-1, -1) else window_size[0])[0])
    assert window_size[0] == window_size[1]
    assert scale is None
    return torch.cat(parts)


@pytest.mark.parametrize("window", [None, 5])
@pytest.mark.parametrize("has_bounds", [True, False])
def test_kernel_for_cuda_is_asked_for_the_same(
    monkeypatch: pytest.MonkeyPatch, window: int | None, has_bounds: bool
) -> None:
    monkeypatch.setattr("handler.engine.attention.varlen_attn", attend_as_varlen)
    bounds = bounds_of(*WINDOWED_LENGTHS) if has_bounds else None
    heads = random_heads(1, sum(WINDOWED_LENGTHS))
    settings: dict[str, Any] = {"text_bounds": bounds, "sliding_window": window}
    expected, _ = make_attention(attend_each_text)(nn.Module(), *heads, None, **settings)
    attended, _ = make_attention(attend_varlen)(nn.Module(), *heads, None, **settings)
    torch.testing.assert_close(attended, expected)


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
