"""Checkpoints for late interaction, packed and unpacked: vectors and scores of sentence-transformers' own class."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from berth.convert.convert import converted
from berth.errors import Refused
from berth.inspection.inspect import inspect_archive
from berth.memory.model_size import ModelSize
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.progress import Silence
from handler.config import MAX_TEXTS_PER_REQUEST, HandlerConfig, LoneTexts, Task
from handler.engine.model import Engine
from handler.engine.pending import Pending
from handler.errors import InvalidInput, InvalidParameter, RequestError, TooManyInputs, TooManyTokens
from handler.inputs import TextInput
from handler.parameters import Parameters
from handler.payload import Rejected, Request
from handler.pipeline import Pipeline
from handler.sizes import MAX_TOKEN_VECTORS_PER_REQUEST
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.text_ranking import RankingParameters
from handler.vectors.settings import Kind
from tests.support.asking import ask, value_of
from tests.support.checkpoints.late import WIDTH, make_multi_vector, make_pylate, make_stanford
from tests.support.equality.archives import load_archive
from tests.support.equality.cells import ENVIRONMENT
from tests.support.texts import mixed_texts

TOLERANCE = 1e-5
PYLATES = Path(__file__).parents[1] / "support" / "references" / "pylate.json"
TEXTS = [*mixed_texts(6), "Where is the ship?", "ship", "The tide, the harbour - and the master's berth!", "... ---"]


def encoder(folder: Path) -> Any:
    from sentence_transformers import MultiVectorEncoder  # noqa: PLC0415 - seconds

    return MultiVectorEncoder(str(folder), device="cpu", local_files_only=True)


def packed_into(tmp_path: Path, folder: Path, task: Task | None = None) -> Pipeline:
    packed = pack_checkpoint(folder, PackOptions(output=tmp_path / "store", task=task))
    assert packed.engine == "packed"
    return load_archive(packed.archive, tmp_path / "unpacked")


def vectors_of(pipeline: Pipeline, texts: Sequence[str], **parameters: Any) -> list[Any]:
    answers = pipeline.answer([ask(text, EmbeddingParameters(**parameters)) for text in texts])
    return [value_of(answer) for answer in answers]


def assert_close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def assert_as_the_library(pipeline: Pipeline, folder: Path) -> None:
    model = encoder(folder)
    assert_close(vectors_of(pipeline, TEXTS), [each.numpy() for each in model.encode_document(TEXTS)])
    assert_close(vectors_of(pipeline, TEXTS, prompt_name="query"), [each.numpy() for each in model.encode_query(TEXTS)])


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("bert", {}),
        ("bert", {"attend_to_expansion_tokens": True, "skiplist_words": []}),
        ("bert", {"do_query_expansion": False}),
        ("modernbert", {"query_length": 24, "document_length": 300}),
        ("modernbert", {"query_length": 400}),  # the last mask tokens see nothing in a window of 32
        ("xlm-roberta", {"document_length": 512}),
        ("bert", {"prompts": {"query": "[Q] find: ", "document": "[D] "}}),  # the markers are told twice
    ],
)
def test_queries_and_documents(tmp_path: Path, architecture: str, settings: dict[str, Any]) -> None:
    folder = make_pylate(tmp_path / "model", architecture=architecture, **settings)
    assert_as_the_library(packed_into(tmp_path, folder), folder)


def test_stanfords_layout(tmp_path: Path) -> None:
    folder = make_stanford(tmp_path / "model")
    assert_as_the_library(packed_into(tmp_path, folder), folder)


@pytest.mark.parametrize("settings", [{}, {"do_query_expansion": False, "document_length": None}])
def test_the_librarys_own_layout(tmp_path: Path, settings: dict[str, Any]) -> None:
    folder = make_multi_vector(tmp_path / "model", **settings)
    assert_as_the_library(packed_into(tmp_path, folder), folder)


@pytest.mark.parametrize(("name", "make"), [("pylate", make_pylate), ("stanford", make_stanford)])
def test_pylates_own_numbers(tmp_path: Path, name: str, make: Callable[[Path], Path]) -> None:
    """Those that PyLate itself gave for these seeded models: it needs an older transformers than is installed here."""
    saved = json.loads(PYLATES.read_text("utf-8"))
    pipeline = packed_into(tmp_path, make(tmp_path / "model"))
    for role, expected in saved["vectors"][name].items():
        assert_close(vectors_of(pipeline, saved["texts"], prompt_name=role), expected)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pylate(tmp_path_factory.mktemp("late") / "model")


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> Pipeline:
    return packed_into(folder.parent, folder)


def test_queries_and_documents_share_a_pass(pipeline: Pipeline) -> None:
    """The same text as both: neither gets the other's vectors."""
    names = ["query", "document", None, "query"]
    answers = pipeline.answer([ask("ship", EmbeddingParameters(prompt_name=name)) for name in names])
    query, document, default, again = map(value_of, answers)
    assert (query.shape, document.shape) == ((16, WIDTH), (4, WIDTH))  # [CLS] [D] ship [SEP]
    np.testing.assert_allclose(query, again, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(document, default, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(np.linalg.norm(query, axis=1), 1, atol=TOLERANCE)


def assert_refused(
    pipeline: Pipeline, sources: Sequence[TextInput], parameters: Parameters, kind: type[RequestError], said: str
) -> None:
    (answer,) = pipeline.answer([Request(inputs=tuple(sources), parameters=parameters)])
    assert isinstance(answer, Rejected)
    assert isinstance(answer.error, kind)
    assert said in str(answer.error)


def test_what_it_does_not_make_is_refused(pipeline: Pipeline) -> None:
    cases = [
        (EmbeddingParameters(vectors=Kind.DENSE), InvalidParameter, "this model makes no dense vectors"),
        (EmbeddingParameters(dimensions=8), InvalidParameter, "dimensions is for dense vectors"),
        (EmbeddingParameters(prompt_name="title"), InvalidParameter, "unknown prompt"),
    ]
    for parameters, kind, said in cases:
        assert_refused(pipeline, [TextInput(text="ship", param="/inputs")], parameters, kind, said)
    ids = TextInput(text="", token_ids=(101, 7, 102), param="/inputs")
    assert_refused(pipeline, [ids], EmbeddingParameters(), InvalidInput, "send texts, not token ids")
    many = [TextInput(text=f"{number} {TEXTS[-1] * 9}", param="/inputs") for number in range(60)]
    assert_refused(pipeline, many, EmbeddingParameters(), TooManyTokens, "each with a vector")


def test_it_is_said_what_it_is(folder: Path, pipeline: Pipeline) -> None:
    archive = folder.parent / "store" / "model.mar"
    vector = inspect_archive(archive).facts.vector
    assert (vector["kinds"], vector["size"], vector["pooling"]) == (["multi_vector"], WIDTH, [])
    assert vector["prompts"] == ["document", "query"]
    assert ModelSize.read(archive).token_width == WIDTH
    assert pipeline.config.max_tokens == 40


def test_a_marker_that_is_no_token_is_refused(tmp_path: Path) -> None:
    folder = make_pylate(tmp_path / "model", query_prefix="[Query] ")
    with pytest.raises(Refused, match=r"has no token '\[Query\] ', which config_sentence_transformers.json names"):
        pack_checkpoint(folder, PackOptions(output=tmp_path))


def test_a_marker_with_nothing_to_stand_behind_is_refused(tmp_path: Path) -> None:
    folder = make_pylate(tmp_path / "model")
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(json.dumps(json.loads(tokenizer.read_text("utf-8")) | {"post_processor": None}), "utf-8")
    with pytest.raises(Refused, match="puts no token before a text, and query_prefix of config_sentence_transformers"):
        pack_checkpoint(folder, PackOptions(output=tmp_path))


@pytest.mark.parametrize("length", ["many", -4, 3, 16.5])
def test_a_length_that_is_none_is_refused(tmp_path: Path, length: object) -> None:
    folder = make_pylate(tmp_path / "model", query_length=length)
    with pytest.raises(Refused, match=rf"query_length is {length!r}; it must be a whole number from 4"):
        pack_checkpoint(folder, PackOptions(output=tmp_path))


def load_with_openvino(archive: Path, unpacked: Path) -> tuple[Pipeline, str]:
    """A worker that was told BERTH_LONE_TEXTS=openvino, and what it says of that."""
    pytest.importorskip("openvino", reason="openvino is not installed: pip install 'berth[openvino]'")
    served = load_archive(archive, unpacked, replace(ENVIRONMENT, lone_texts=LoneTexts.OPENVINO))
    return served, str(served.describe()["lone_texts"])


def test_openvino_reads_lone_documents(folder: Path, pipeline: Pipeline, tmp_path: Path) -> None:
    """And no query: its fillers, which no token sees, are for torch."""
    served, said = load_with_openvino(folder.parent / "store" / "model.mar", tmp_path / "unpacked")
    assert said == "openvino"
    model = encoder(folder)
    assert_close(vectors_of(served, ["ship"]), [model.encode_document("ship").numpy()])
    assert_close(vectors_of(served, ["ship"], prompt_name="query"), [model.encode_query("ship").numpy()])


def test_texts_may_be_queries_by_default(tmp_path: Path) -> None:
    prompts = {"query": "", "document": ""}
    folder = make_pylate(tmp_path / "model", default_prompt_name="query", prompts=prompts)
    pipeline = packed_into(tmp_path, folder)
    assert_close(vectors_of(pipeline, ["ship"]), [encoder(folder).encode_query("ship").numpy()])
    _, said = load_with_openvino(tmp_path / "store" / "model.mar", tmp_path / "again")
    assert said == "openvino"  # proven on queries that are long enough to have no fillers


def test_one_document_is_never_too_long(tmp_path: Path) -> None:
    """It is cut as any text is, whatever the limit of vectors; a second one beside it is too much."""
    folder = make_pylate(tmp_path / "model", architecture="modernbert", document_length=2100)
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_position_embeddings": 4096}), "utf-8")
    pipeline = packed_into(tmp_path, folder)
    long = "ship " * 3000
    (answer,) = pipeline.answer([ask(long, EmbeddingParameters())])
    assert isinstance(answer, list)
    assert answer[0].is_truncated
    assert_close([value_of(answer)], [encoder(folder).encode_document(long).numpy()])
    assert len(value_of(answer)) == 2100 > MAX_TOKEN_VECTORS_PER_REQUEST
    assert ModelSize.read(tmp_path / "store" / "model.mar").token_numbers == 2100 * WIDTH
    two = [TextInput(text=text, param="/inputs") for text in (long, "ship")]
    assert_refused(pipeline, two, EmbeddingParameters(), TooManyTokens, "and 2100 are the most")


def test_what_waits_for_further_texts_holds_no_whole_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with converted(folder, Silence()) as ready:
        checkpoint = load_checkpoint(ready.folder, Task.TEXT_RANKING)
        own = {name: getattr(checkpoint, name) for name in ("task", "max_tokens", "vectors", "prompts")}
        config = HandlerConfig(token_budget=checkpoint.max_tokens, **own)
        pipeline = Pipeline(checkpoint.root, config, torch.device("cpu"), Engine.PACKED)
    held: list[Any] = []
    read = Pending.read

    def watch(self: Pending) -> Any:
        held.extend(self.rows[slot].base for slot in range(len(TEXTS) // 2))
        return read(self)

    monkeypatch.setattr(Pending, "read", watch)
    source = TextInput(text="ship", texts=tuple(f"{place} {text}" for place, text in enumerate(TEXTS)), param="/inputs")
    value_of(pipeline.answer([Request(inputs=(source,), parameters=RankingParameters())])[0])
    assert held == [None] * (len(TEXTS) // 2)


def test_as_many_texts_are_ranked_as_by_a_cross_encoder(tmp_path: Path) -> None:
    pipeline = packed_into(tmp_path, make_pylate(tmp_path / "model"), Task.TEXT_RANKING)
    texts = tuple(map(str, range(MAX_TEXTS_PER_REQUEST)))
    source = TextInput(text="ship", texts=texts, param="/inputs")
    (answer,) = pipeline.answer([Request(inputs=(source,), parameters=RankingParameters())])
    assert len(value_of(answer)) == MAX_TEXTS_PER_REQUEST
    one_more = TextInput(text="ship", texts=("one more",), param="/inputs")
    assert_refused(pipeline, [source, one_more], RankingParameters(), TooManyInputs, "would read 257 texts")
    _, said = load_with_openvino(tmp_path / "store" / "model.mar", tmp_path / "again")
    assert "a query and its texts are read together, and none of them alone" in said


@pytest.mark.parametrize("is_stanfords", [False, True])
def test_max_sim(tmp_path: Path, is_stanfords: bool) -> None:
    folder = make_stanford(tmp_path / "model") if is_stanfords else make_pylate(tmp_path / "model")
    pipeline = packed_into(tmp_path, folder, Task.TEXT_RANKING)
    model = encoder(folder)
    queries = ["Where is the ship?", "", "the tide turns " * 20]
    sources = [TextInput(text=query, texts=tuple(TEXTS), param="/inputs") for query in queries]
    answers = pipeline.answer([Request(inputs=(each,), parameters=RankingParameters()) for each in sources])
    scores = model.similarity(model.encode_query(queries), model.encode_document(TEXTS)).numpy()
    features = model.preprocess(TEXTS, prompt=model.prompts["document"], task="document")
    num_tokens = int(features["attention_mask"].sum())
    for answer, expected in zip(answers, scores, strict=True):
        ranked = value_of(answer)
        assert isinstance(answer, list)
        assert answer[0].num_tokens == 16 + num_tokens  # the query is read once, and each text once
        found = {each["index"]: each["score"] for each in ranked}
        np.testing.assert_allclose([found[place] for place in range(len(TEXTS))], expected, rtol=0, atol=1e-4)
        assert [each["score"] for each in ranked] == sorted(found.values(), reverse=True)
