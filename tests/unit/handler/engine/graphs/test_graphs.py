"""Recorded passes give what the packed engine gives, whatever the architecture and the task; CUDA's parts stand in."""

import json
import logging
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from handler.choose_engine import use_graphs
from handler.config import HandlerConfig, Pooling, Task
from handler.engine.graphs.buckets import Bucket
from handler.engine.graphs.graphed_model import GraphedModel
from handler.engine.graphs.proof import Proof
from handler.engine.graphs.record import with_graphs
from handler.engine.graphs.recorder import Recorder, Recording
from handler.engine.model import Engine
from handler.engine.packing import PackedBatch
from handler.pipeline import Pipeline
from handler.text.encoded import EncodedText
from handler.vectors.settings import Vectors, WordPooling
from tests.conftest import MakeCheckpoint
from tests.support.checkpoints import ARCHITECTURES, RELATIVE, TASKS_OF
from tests.support.equality.cells import known_answers
from tests.support.gpu.graphs import CpuRecorder, put_kernel_in_place

CPU = torch.device("cpu")
BUDGET = 1024
TOLERANCE = 1e-5  # fp32: the same numbers, added in another order
RECORDABLE = [name for name in ARCHITECTURES if name not in RELATIVE]
EACH_HEAD = [(name, task) for name in ("bert", "modernbert") for task in TASKS_OF[name]]
EACH_ARCHITECTURE = [(name, task) for name in RECORDABLE for task in (Task.EMBEDDINGS, Task.TEXT_CLASSIFICATION)]


@pytest.fixture(autouse=True)
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    put_kernel_in_place(monkeypatch)


def load(folder: Path, task: Task, record: Recorder | None = None, **settings: Any) -> tuple[Any, Any]:
    """The packed model, and the same with its recorded passes."""
    config = HandlerConfig(task=task, max_tokens=512, token_budget=BUDGET, **settings)
    pipeline = Pipeline(folder, config, CPU, Engine.PACKED)
    packed = pipeline.model
    use_graphs(pipeline, known_answers(folder, task), record or CpuRecorder())
    return packed, pipeline.model


def load_vectors(folder: Path, vectors: Vectors, budget: int) -> tuple[Any, Any]:
    """An embedding model's packed form and its recorded passes, which are held to its own rows alone."""
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512, token_budget=budget, vectors=vectors)
    packed: Any = Pipeline(folder, config, CPU, Engine.PACKED).model
    return packed, with_graphs(packed, 512, texts_of(packed, (3, 40)), TOLERANCE, CpuRecorder())


def texts_of(model: Any, lengths: tuple[int, ...], mask: int | None = None) -> list[EncodedText]:
    """Seeded texts; where there is a mask, one in each text of 4 tokens or more."""
    chance = np.random.default_rng(sum(lengths))
    texts = []
    for length in lengths:
        ids = chance.integers(10, model.network.config.vocab_size, length).astype(np.int32)
        if mask is not None and length >= 4:
            ids[length // 2] = mask
        texts.append(EncodedText(ids=ids, type_ids=np.zeros(length, np.int8), num_tokens_uncut=length))
    return texts


def rows_of(model: Any, texts: list[EncodedText]) -> list[Any]:
    return [row for batch in model.batches(texts, BUDGET) for row in model.forward(batch)]


# One text alone; the last row and the last slot of a bucket in use; a bucket almost empty; more batches than one; more
# texts than slots.
BATCHES = [(2,), (8,), (16,), (4, 4, 4), (500,), (512, 512), (7, 30, 1, 64, 129), (20,) * 90, (2,) * 400]


def assert_same_rows(packed: Any, graphed: Any, mask: int | None = None) -> None:
    for lengths in BATCHES:
        texts = texts_of(packed, lengths, mask)
        for row, expected in zip(rows_of(graphed, texts), rows_of(packed, texts), strict=True):
            np.testing.assert_allclose(row, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("architecture", "task"), dict.fromkeys([*EACH_HEAD, *EACH_ARCHITECTURE]))
def test_every_architecture_and_task(checkpoint: MakeCheckpoint, architecture: str, task: Task) -> None:
    packed, graphed = load(checkpoint(architecture, task), task)
    assert isinstance(graphed, GraphedModel)
    assert str(graphed.notes["graphs"]).endswith(" sizes, up to 1024 tokens")
    assert_same_rows(packed, graphed, packed.readout._mask_id if task is Task.FILL_MASK else None)


def test_every_pooling(checkpoint: MakeCheckpoint) -> None:
    packed, graphed = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, pooling=tuple(Pooling))
    assert graphed.vector_size == len(Pooling) * packed.network.config.hidden_size
    assert_same_rows(packed, graphed)


@pytest.mark.parametrize("words", WordPooling)
def test_words_of_a_vocabulary(checkpoint: MakeCheckpoint, words: WordPooling) -> None:
    """What lies behind the last text is no text's."""
    packed, graphed = load_vectors(checkpoint("bert", Task.FILL_MASK), Vectors(words=words), BUDGET)
    assert_same_rows(packed, graphed)


def test_tokens_beside_a_vector(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    """Of the texts alone that ask for them."""
    folder = shutil.copytree(checkpoint("bert", Task.EMBEDDINGS), tmp_path / "model")
    torch.manual_seed(5)
    for name, width in (("weight", 1), ("vector", 96)):
        (folder / name).mkdir()
        save_file(torch.nn.Linear(64, width).state_dict(), folder / name / "model.safetensors")
        settings = {"in_features": 64, "out_features": width, "activation_function": "torch.nn.Identity"}
        (folder / name / "config.json").write_text(json.dumps(settings))
    vectors = Vectors(sparse_module="weight", multi_module="vector", token_width=96, dense_width=64)
    packed, graphed = load_vectors(folder, vectors, BUDGET)
    for lengths in BATCHES:
        texts = texts_of(packed, lengths)
        texts = [msgspec.structs.replace(text, reads_tokens=place % 2 == 0) for place, text in enumerate(texts)]
        found, expected = rows_of(graphed, texts), rows_of(packed, texts)
        assert [len(row) for row in found] == [1 + len(text.ids) * text.reads_tokens for text in texts]
        for text, row, same in zip(texts, found, expected, strict=True):
            np.testing.assert_allclose(row, same, rtol=0, atol=TOLERANCE)
            alone = rows_of(packed, [text])[0]
            np.testing.assert_allclose(row, alone, rtol=0, atol=TOLERANCE)


def test_a_batch_runs_in_the_smallest_bucket_that_holds_it(checkpoint: MakeCheckpoint) -> None:
    packed, graphed = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    sizes: list[int] = []
    packed.network.register_forward_pre_hook(
        lambda _, __, given: sizes.append(given["input_ids"].shape[1]), with_kwargs=True
    )
    for lengths, expected in {(5,): 8, (9, 3): 12, (9, 4): 16, (2,) * 3: 24, (512, 512): 1024, (2,) * 200: 400}.items():
        rows_of(graphed, texts_of(packed, lengths))
        assert sizes.pop() == expected  # the last is that of no bucket: it has 170 slots, and the batch 200 texts
    assert sizes == []


@pytest.mark.parametrize("reason", ["answers", "numbers", "replay", "memory"])
def test_what_cannot_be_recorded_runs_as_before(
    checkpoint: MakeCheckpoint, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    cases: dict[str, tuple[Recorder, str]] = {
        "answers": (record_wrongly, "none: the one of 1024 tokens gives other answers: the difference is "),
        "numbers": (refuse, "none: RuntimeError: operation not permitted when stream is capturing"),
        "replay": (replay_in_vain, "none: RuntimeError: CUDA error: invalid argument"),
        "memory": (run_out, "none: there was not enough memory, or time, for one"),
    }
    record, note = cases[reason]
    packed, graphed = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, record)
    assert str(graphed.notes["graphs"]).startswith(note)
    assert note in caplog.text
    assert_same_rows(packed, graphed)


def record_wrongly(work: Callable[[], Tensor]) -> Recording:
    output = work()
    return Recording(lambda: None, output)


def refuse(_: Callable[[], Tensor]) -> Recording:
    raise RuntimeError("operation not permitted when stream is capturing\nCompile with TORCH_USE_CUDA_DSA")


def replay_in_vain(work: Callable[[], Tensor]) -> Recording:
    def replay() -> None:
        raise RuntimeError("CUDA error: invalid argument")

    return Recording(replay, work())


def run_out(_: Callable[[], Tensor]) -> Recording:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 96.00 MiB.")


def test_a_model_that_decides_by_its_numbers_is_not_recorded(checkpoint: MakeCheckpoint) -> None:
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512, token_budget=BUDGET)
    folder = checkpoint("bert", Task.EMBEDDINGS)
    pipeline = Pipeline(folder, config, CPU, Engine.PACKED)
    pipeline.model.network.register_forward_pre_hook(lambda _, __, given: look(given["input_ids"]), with_kwargs=True)
    use_graphs(pipeline, known_answers(folder, Task.EMBEDDINGS), CpuRecorder())
    assert str(pipeline.describe()["graphs"]).startswith("none: DataDependentOutputException")


def look(ids: Tensor) -> None:
    assert int(ids.max()) >= 0


def test_sizes_for_which_there_is_no_memory_run_in_larger_ones_or_as_before(checkpoint: MakeCheckpoint) -> None:
    record, asked = CpuRecorder(), []

    def run_out_at_first(work: Callable[[], Tensor]) -> Recording:
        asked.append(work)
        if len(asked) in (1, 3):
            raise torch.OutOfMemoryError
        return record(work)

    packed, graphed = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, run_out_at_first)
    assert graphed.notes == {"graphs": "13 sizes, up to 768 tokens"}
    assert_same_rows(packed, graphed)


def test_precision_without_the_kernel_is_not_recorded(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.engine.graphs.record.has_kernel", lambda *_: False)
    _, graphed = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    assert graphed.notes == {"graphs": "none: in fp32 the attention of each text is a call of its own"}


def test_sizes_that_are_not_reached_in_time_run_in_larger_ones(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("handler.engine.graphs.record.LIMIT_S", 6.0)
    monkeypatch.setattr("handler.engine.graphs.record.time", SimpleNamespace(monotonic=lambda: next(clock)))
    packed, graphed = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    assert graphed.notes == {"graphs": "6 sizes, up to 1024 tokens"}
    assert_same_rows(packed, graphed)


def test_largest_size_of_short_texts_may_be_left_out_of_a_model_of_long_ones(checkpoint: MakeCheckpoint) -> None:
    """Those of long texts come next, with fewer rows than the short ones behind them."""
    record, asked = CpuRecorder(), []

    def run_out_at_first(work: Callable[[], Tensor]) -> Recording:
        asked.append(work)
        if len(asked) == 1:
            raise torch.OutOfMemoryError
        return record(work)

    folder = checkpoint("modernbert", Task.EMBEDDINGS)
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=1024, token_budget=1024)
    pipeline = Pipeline(folder, config, CPU, Engine.PACKED)
    packed = pipeline.model
    use_graphs(pipeline, known_answers(folder, Task.EMBEDDINGS), run_out_at_first)
    assert pipeline.describe()["graphs"] == "16 sizes, up to 1024 tokens"
    assert_same_rows(packed, pipeline.model)


@pytest.mark.parametrize("place", [0, -1])
def test_a_row_that_is_no_number_is_another_answer_wherever_it_stands(checkpoint: MakeCheckpoint, place: int) -> None:
    packed, _ = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    proof = Proof(packed, texts_of(packed, (5, 9, 7)))

    def run(batch: PackedBatch) -> list[Any]:
        rows: list[Any] = packed.forward(batch)
        rows[place] = rows[place] * np.nan
        return rows

    recorded: Any = SimpleNamespace(bucket=Bucket(tokens=64, slots=8, longest=64), run=run)
    assert proof.largest_difference(recorded, proof.fill(recorded.bucket)) == math.inf


def test_a_size_that_runs_out_of_memory_when_it_is_proven_is_left_out(checkpoint: MakeCheckpoint) -> None:
    record, recorded = CpuRecorder(), []

    def run_out_in_the_first(work: Callable[[], Tensor]) -> Recording:
        recording = record(work)
        recorded.append(recording)
        return Recording(run_out_again, recording.output) if len(recorded) == 1 else recording

    def run_out_again() -> None:
        raise torch.OutOfMemoryError

    packed, graphed = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, run_out_in_the_first)
    assert graphed.notes == {"graphs": "14 sizes, up to 768 tokens"}
    assert_same_rows(packed, graphed)
