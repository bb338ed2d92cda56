"""Tokens and entities as transformers' own pipeline gives them, live."""

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForTokenClassification, TokenClassificationPipeline

from handler.config import Task
from handler.tasks.kind import Reading
from handler.tasks.token_classification import (
    AggregationStrategy,
    TokenClassificationParameters,
    make_head,
    merge_overlaps,
)
from tests.support.checkpoints import make_checkpoint
from tests.support.references.reading import Reader
from tests.support.texts import WORDS, mixed_texts

# transformers warns that its rule for words is a guess where a tokenizer has no prefix for subwords.
pytestmark = pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")

TOLERANCE = 1e-5  # fp32 against plain transformers
# Every way in which labels are written: IOB, without a prefix, and with a dash that is none.
LABELS = dict(enumerate(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "LOC", "MISC-X", "B-MISC-X"]))
IGNORED = [["O"], [], ["PER", "LOC", "B-PER", "X"], list(LABELS.values())]
GROUPING = [strategy for strategy in AggregationStrategy if strategy is not AggregationStrategy.NONE]
TEXTS = [
    *mixed_texts(16, seed=2),
    "Ada Lovelace, of London: wrote (to) Mr. Babbage's e-mail@example.org!",
    "cafe\u0301 e\u0301e\u0301 x\u0323\u0307 Zu\u0308rich A\u030a",
    "日本語のテキスト。東京、大阪",
    "😀😀 👩\u200d👩\u200d👧 ok \U0001f7df\U0001f7df",
    "\u1234\u4321 zzz [UNK] <unk> [SEP] </s> [MASK] <mask>",
    " ",
    "\t\n a  b \u00a0c\u200b \n",
    "\u200b",
    "A",
]
STRIDES = [0, 7, 128]
LONG = " ".join(random.Random(9).choices(WORDS, k=1600))  # 4,000 to 9,000 tokens


class Ner:
    """One checkpoint, read by the head and by the pipeline: each text once, whatever is then asked of it."""

    def __init__(self, folder: Path) -> None:
        self.reader = Reader(folder, AutoModelForTokenClassification)
        self.pipeline = TokenClassificationPipeline(model=self.reader.model, tokenizer=self.reader.tokenizer)
        self.head = make_head(self.reader.model.config, self.reader.tokenizer)
        self.read = cache(self.reader.read_text)
        self._outputs = cache(self._forward)

    def find(self, reading: Reading, strategy: AggregationStrategy, ignore_labels: list[str]) -> Any:
        parameters = TokenClassificationParameters(aggregation_strategy=strategy, ignore_labels=ignore_labels)
        (found,) = self.head([reading], parameters)
        return found

    def expect(self, text: str, stride: int | None, strategy: AggregationStrategy, ignore_labels: list[str]) -> Any:
        settings: dict[str, Any] = {"aggregation_strategy": str(strategy), "ignore_labels": ignore_labels}
        _, _, chosen = self.pipeline._sanitize_parameters(**settings)
        return self.pipeline.postprocess(self._outputs(text, stride), **chosen)

    def _forward(self, text: str, stride: int | None) -> list[Any]:
        chosen, _, _ = self.pipeline._sanitize_parameters(stride=stride)
        return [self.pipeline.forward(window) for window in self.pipeline.preprocess(text, **chosen)]


@pytest.fixture(scope="module", params=["bert", "roberta", "xlm-roberta", "deberta-v2"])
def ner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ner:
    folder = tmp_path_factory.mktemp(request.param)
    return Ner(make_checkpoint(folder, request.param, Task.TOKEN_CLASSIFICATION, id2label=LABELS))


def assert_same(entities: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Key by key, and plain Python values, which JSON takes."""
    assert len(entities) == len(expected)
    for entity, other in zip(entities, expected, strict=True):
        assert list(entity) == list(other)
        assert {type(value) for value in entity.values()} == {str, int, float}
        assert entity == other | {"score": pytest.approx(other["score"], abs=TOLERANCE)}


@pytest.mark.parametrize("ignored", IGNORED, ids=len)
@pytest.mark.parametrize("strategy", AggregationStrategy)
def test_short_texts(ner: Ner, strategy: AggregationStrategy, ignored: list[str]) -> None:
    for text in TEXTS:
        reading = ner.read(text)
        if len(reading.texts) == 1:  # of a longer text the pipeline reads the beginning only
            assert_same(ner.find(reading, strategy, ignored), ner.expect(text, None, strategy, ignored))


def test_short_texts_have_something_to_find(ner: Ner) -> None:
    """The comparison above would be worth nothing if a random model called every token O."""
    entities = [ner.find(ner.read(text), AggregationStrategy.FIRST, ["O"]) for text in TEXTS]
    assert len({entity["entity_group"] for found in entities for entity in found}) > 1


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("strategy", GROUPING)
def test_long_texts(ner: Ner, strategy: AggregationStrategy, stride: int) -> None:
    entities = ner.find(ner.read(LONG, stride), strategy, ["O"])
    assert_same(entities, ner.expect(LONG, stride, strategy, ["O"]))


@pytest.mark.parametrize("stride", STRIDES)
def test_tokens_of_long_texts(ner: Ner, stride: int) -> None:
    """Each token once, counted over the whole text, as the window says that has it farthest from its ends."""
    reading = ner.read(LONG, stride)
    tokens = ner.find(reading, AggregationStrategy.NONE, [])
    whole = ner.reader.tokenizer(LONG, return_offsets_mapping=True)
    assert [token["index"] for token in tokens] == list(range(1, len(whole.input_ids) - 1))
    assert [(token["start"], token["end"]) for token in tokens] == whole.offset_mapping[1:-1]
    assert tokens == deepest(ner, reading, stride)


def deepest(ner: Ner, reading: Reading, stride: int) -> list[dict[str, Any]]:
    """The same from the answers to single windows, which the tests above hold against the pipeline."""
    best: dict[int, tuple[int, dict[str, Any]]] = {}
    first = 0
    for text, row in zip(reading.texts, reading.rows, strict=True):
        window = Reading(source=reading.source, texts=[text], rows=[row])
        for token in ner.find(window, AggregationStrategy.NONE, []):
            depth = min(token["index"], text.num_tokens - 1 - token["index"])
            place = first + token["index"]
            if place not in best or depth > best[place][0]:
                best[place] = depth, token | {"index": place}
        first += text.num_tokens - ner.reader.tokenizer.num_special_tokens_to_add() - stride
    return [token for _, token in best.values()]


def test_overlaps_are_merged_as_in_the_pipeline(ner: Ner) -> None:
    """Also what few texts have: entities in entities, equal ones, and some without characters."""
    chooser = random.Random(4)
    for _ in range(300):
        starts = [chooser.randrange(30) for _ in range(chooser.randrange(12))]
        entities = [
            {"start": start, "end": start + chooser.randrange(6), "score": chooser.choice([0.1, 0.5, 0.9])}
            for start in starts
        ]
        assert merge_overlaps(entities) == ner.pipeline.aggregate_overlapping_entities(entities)
