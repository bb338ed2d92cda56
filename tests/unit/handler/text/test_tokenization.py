"""Texts to tokens as transformers makes them: cut, in windows, with their places; equal texts once."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from handler.config import MAX_MASKS_PER_INPUT, HandlerConfig, Task
from handler.engine.model import Engine
from handler.errors import InputTooLong, InvalidInput, InvalidParameter, NotNow, TooManyInputs, TooManyTokens
from handler.inputs import TextInput
from handler.payload import Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.fill_mask import FillMaskParameters
from handler.tasks.question_answering import QuestionAnsweringParameters
from handler.tasks.text_classification import ClassificationParameters
from handler.tasks.text_ranking import RankingParameters
from handler.tasks.token_classification import TokenClassificationParameters
from handler.tasks.zero_shot_classification import ZeroShotParameters
from handler.text.encoded import EncodedText
from handler.text.passages import Cut, Layout, Passages, TextPair
from handler.text.tokenization import Tokenizer
from handler.wire import convert
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of
from tests.support.checkpoints import make_checkpoint
from tests.support.texts import mixed_texts

ARCHITECTURES = ("bert", "roberta", "albert", "deberta-v2")  # WordPiece, BPE, Unigram with token types and without
WINDOW, STRIDE = 64, 16
PAIR, ALONE = TextInput(text="ship", text_pair="harbour", param=""), TextInput(text="ship", param="")


def encode(folder: Path, pair: TextPair, layout: Layout, *, keeps_places: bool = True) -> list[EncodedText]:
    (encoded,) = Tokenizer(folder).encode([Passages(pairs=(pair,), layout=layout, keeps_places=keeps_places)])
    assert isinstance(encoded, list), encoded
    return encoded


def read(text: EncodedText) -> tuple[list[int], list[int]]:
    """Ids and types as transformers has them."""
    return text.ids.tolist(), text.type_ids.tolist()


def plan(task: Task, source: TextInput, parameters: Any, **settings: Any) -> Passages:
    return TASKS[task].plan(source, parameters, HandlerConfig(task=task, max_tokens=512, **settings))


def test_a_pair_whose_second_type_the_model_lacks_is_refused(tmp_path: Path) -> None:
    """On a GPU that index would end the process."""
    folder = make_checkpoint(tmp_path, "bert", Task.TEXT_CLASSIFICATION, type_vocab_size=1)
    passages = [plan(Task.TEXT_CLASSIFICATION, each, ClassificationParameters()) for each in (PAIR, ALONE)]
    refusal, texts = Tokenizer(folder).encode(passages)
    assert isinstance(refusal, InvalidInput)
    assert "reads one text at a time" in refusal.message
    assert isinstance(texts, list)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("question", [None, "Who wrote café 東京?"])
def test_windows_are_transformers_own(checkpoint: MakeCheckpoint, architecture: str, question: str | None) -> None:
    folder = checkpoint(architecture, Task.FILL_MASK)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cut = Cut.LONGEST_FIRST if question is None else Cut.ONLY_SECOND
    layout = Layout(max_tokens=WINDOW, cut=cut, stride=STRIDE)
    for text in mixed_texts(12)[1:]:
        texts = (text,) if question is None else (question, text)
        expected = tokenizer(
            *texts, truncation=cut.value, max_length=WINDOW, stride=STRIDE, return_overflowing_tokens=True
        ).encodings
        windows = encode(folder, TextPair(text=texts[0], text_pair=None if question is None else text), layout)
        assert [read(window) for window in windows] == [(one.ids, one.type_ids) for one in expected]
        for window, one in zip(windows, expected, strict=True):
            assert window.offsets is not None
            assert window.offsets.tolist() == [list(offsets) for offsets in one.offsets]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("cut", [Cut.LONGEST_FIRST, Cut.ONLY_FIRST])
def test_a_long_text_is_cut_as_transformers_cuts_it(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch, architecture: str, side: str, cut: Cut
) -> None:
    folder = checkpoint(architecture, Task.FILL_MASK)
    expected = AutoTokenizer.from_pretrained(folder, truncation_side=side)
    tokenizer = Tokenizer(folder)
    monkeypatch.setattr(tokenizer, "truncation_side", side)
    for text, window in itertools.product(["a " * 200 + "b", "東京タワー" * 30, "\u200d🚢" * 40], [WINDOW, WINDOW + 1]):
        others = [None, "short", text[:9], *([text[:60], text[:100], text] if cut is Cut.LONGEST_FIRST else [])]
        pairs = [TextPair(text=text, text_pair=other) for other in others]
        pairs += [TextPair(text=other, text_pair=text) for other in others if other and cut is Cut.LONGEST_FIRST]
        layout = Layout(max_tokens=window, cut=cut)
        (encoded,) = tokenizer.encode([Passages(pairs=tuple(pairs), layout=layout)])
        assert isinstance(encoded, list)
        for pair, found in zip(pairs, encoded, strict=True):
            truncation = cut.value if pair.text_pair else True
            wanted = expected(pair.text, pair.text_pair, truncation=truncation, max_length=window)
            assert found.ids.tolist() == wanted["input_ids"]
            assert found.type_ids.tolist() == wanted.get("token_type_ids", found.type_ids.tolist())
            whole = expected(pair.text, pair.text_pair, truncation=False, verbose=False)["input_ids"]
            assert found.num_tokens_uncut == len(whole)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_token_knows_its_text(checkpoint: MakeCheckpoint, architecture: str) -> None:
    """Of a pair that is not cut tokenizers itself forgets the first text, when it is put together from parts."""
    folder = checkpoint(architecture, Task.FILL_MASK)
    (encoded,) = encode(folder, TextPair(text="one two", text_pair="three"), Layout(max_tokens=WINDOW))
    assert encoded.sources is not None
    assert set(encoded.sources.tolist()) == {-1, 0, 1}
    assert not encoded.is_truncated


def test_a_pair_that_leaves_no_room_is_refused(checkpoint: MakeCheckpoint) -> None:
    tokenizer = Tokenizer(checkpoint("bert", Task.FILL_MASK))
    long = TextPair(text="long " * 100, text_pair="text " * 100)
    for cut, name in ((Cut.ONLY_SECOND, "question"), (Cut.ONLY_FIRST, "hypothesis of one of candidate_labels")):
        (refused,) = tokenizer.encode(
            [Passages(pairs=(long,), layout=Layout(max_tokens=WINDOW, cut=cut, uncut=name, stride=STRIDE))]
        )
        assert isinstance(refused, InputTooLong)
        assert f"the {name} has 100 tokens" in refused.message


@pytest.mark.parametrize(
    ("text", "part"), [("none here", "no mask"), ("[MASK] " * (MAX_MASKS_PER_INPUT + 1), "33 masks")]
)
def test_masks_are_counted(checkpoint: MakeCheckpoint, text: str, part: str) -> None:
    passages = plan(Task.FILL_MASK, TextInput(text=text, param=""), FillMaskParameters())
    (refused,) = Tokenizer(checkpoint("bert", Task.FILL_MASK)).encode([passages])
    assert isinstance(refused, InvalidInput)
    assert part in refused.message


def test_prompts_go_before_the_text() -> None:
    settings = {"prompts": {"query": "query: ", "document": ""}, "default_prompt": "query"}
    source = TextInput(text="hello", param="")
    default = plan(Task.EMBEDDINGS, source, EmbeddingParameters(), **settings)
    assert [pair.text for pair in default.pairs] == ["query: hello"]
    named = plan(Task.EMBEDDINGS, source, EmbeddingParameters(prompt_name="document"), **settings)
    assert [pair.text for pair in named.pairs] == ["hello"]
    with pytest.raises(InvalidParameter, match="this model has query, document"):
        plan(Task.EMBEDDINGS, source, EmbeddingParameters(prompt_name="passage"), **settings)


def test_labels_become_claims_and_nothing_else_is_formatted() -> None:
    source = TextInput(text="a text", param="")
    parameters = ZeroShotParameters(candidate_labels="news, {0.__class__}", hypothesis_template="It is {} or {0}.")
    passages = plan(Task.ZERO_SHOT_CLASSIFICATION, source, parameters)
    assert [pair.text_pair for pair in passages.pairs] == ["It is news or {0}.", "It is {0.__class__} or {0}."]


@pytest.mark.parametrize(
    ("task", "parameters", "param"),
    [
        (Task.TOKEN_CLASSIFICATION, TokenClassificationParameters(stride=257), "/parameters/stride"),
        (Task.QUESTION_ANSWERING, QuestionAnsweringParameters(doc_stride=193), "/parameters/doc_stride"),
        (Task.QUESTION_ANSWERING, QuestionAnsweringParameters(max_seq_len=513), "/parameters/max_seq_len"),
    ],
)
def test_windows_that_make_no_sense_are_refused(task: Task, parameters: Any, param: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        plan(task, TextInput(text="a", text_pair="b", param=""), parameters)
    assert refused.value.param == param


def test_a_request_may_be_read_in_so_many_texts_only(checkpoint: MakeCheckpoint) -> None:
    folder = checkpoint("bert", Task.TOKEN_CLASSIFICATION)
    config = HandlerConfig(task=Task.TOKEN_CLASSIFICATION, max_tokens=512)
    pipeline = Pipeline(folder, config, torch.device("cpu"), Engine.PACKED)
    (refused,) = pipeline.answer([ask("word " * 100_000, TokenClassificationParameters())])
    assert isinstance(refused, Rejected)
    assert isinstance(refused.error, TooManyInputs)


def test_a_request_may_be_read_in_so_many_tokens_only(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BERT's 256 texts of 512 tokens are just as many as there may be: only models that take more pass it."""
    monkeypatch.setattr("handler.admission.MAX_TOKENS_PER_REQUEST", 6)
    config = HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=512)
    pipeline = Pipeline(checkpoint("bert", config.task), config, torch.device("cpu"), Engine.PACKED)
    fits, refused = pipeline.answer(
        [ask("a a a a", ClassificationParameters()), ask("a " * 5, ClassificationParameters())]
    )
    assert isinstance(fits, list)
    assert isinstance(refused, Rejected)
    assert isinstance(refused.error, TooManyTokens)
    assert (refused.error.param, refused.error.message[:34]) == ("/inputs", "inputs: the model would read 7 tok")


def test_equal_texts_of_a_batch_are_computed_once(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = checkpoint("bert", Task.TEXT_RANKING)
    config = HandlerConfig(task=Task.TEXT_RANKING, max_tokens=512)
    pipeline: Any = Pipeline(folder, config, torch.device("cpu"), Engine.PACKED)
    forward, seen = pipeline._model.forward, []

    def count(batch: Any) -> Any:
        seen.extend(batch.lengths)
        return forward(batch)

    monkeypatch.setattr(pipeline._model, "forward", count)
    source = TextInput(text="who", texts=("me", "you", "me"), param="/inputs")
    requests = [Request(inputs=(source,), parameters=RankingParameters()) for _ in range(2)]
    first, second = pipeline.answer(requests)
    assert len(seen) == 2  # of six pairs
    assert value_of(first) == value_of(second)
    scores = {item["index"]: item["score"] for item in value_of(first)}
    assert scores[0] == scores[2] != scores[1]
    assert first[0].num_tokens == 3 * 5  # what the request asks for, whatever stands beside it


@pytest.mark.parametrize(
    ("task", "parameters", "part"),
    [
        (Task.ZERO_SHOT_CLASSIFICATION, {"candidate_labels": "a", "hypothesis_template": "{}" * 2}, "one {}"),
        (Task.ZERO_SHOT_CLASSIFICATION, {"candidate_labels": "a", "hypothesis_template": "x" * 1001 + "{}"}, "1000"),
        (Task.ZERO_SHOT_CLASSIFICATION, {"candidate_labels": ["a"] * 257}, "<= 256"),
        (Task.QUESTION_ANSWERING, {"top_k": 101}, "100"),
        (Task.QUESTION_ANSWERING, {"max_answer_len": 513}, "512"),
        (Task.QUESTION_ANSWERING, {"max_seq_len": 15}, "16"),
        (Task.FILL_MASK, {"top_k": 101}, "100"),
        (Task.FILL_MASK, {"targets": ["a"] * 1001}, "1000"),
    ],
)
def test_parameters_have_bounds(task: Task, parameters: dict[str, Any], part: str) -> None:
    """Each of these could hold a worker, or its memory, for as long as one pleases."""
    with pytest.raises(InvalidParameter, match=part):
        convert(parameters, TASKS[task].parameters, {"": task}, pointer="/parameters")


def test_windows_are_counted_before_they_are_made(checkpoint: MakeCheckpoint) -> None:
    source = TextInput(text="a b c d", text_pair="! " * 10_000, param="")
    passages = plan(Task.QUESTION_ANSWERING, source, QuestionAnsweringParameters(max_seq_len=16, doc_stride=8))
    (refused,) = Tokenizer(checkpoint("bert", Task.FILL_MASK)).encode([passages])
    assert isinstance(refused, TooManyInputs)
    assert "would be read in 9992 windows" in refused.message


def test_texts_that_come_too_late_share_no_error(checkpoint: MakeCheckpoint) -> None:
    """Each error gets the pointer of its own request."""
    passages = plan(Task.FILL_MASK, TextInput(text="[MASK]", param=""), FillMaskParameters())
    one, other = Tokenizer(checkpoint("bert", Task.FILL_MASK)).encode([passages, passages], deadline_s=0)
    assert isinstance(one, NotNow)
    assert one is not other
