"""Results and models for people, as tables, or for programs, as JSON lines."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .management import ModelState, WorkerState

SHOWN_VALUES = 4
MIB = 2**20
# TorchServe's gpuUsage: "gpuId::0 utilization.gpu [%]::3 % ... memory.used [MiB]::1652 MiB" (wlm/WorkerThread.java)
_GPU_ID = re.compile(r"gpuId::(\d+)")
_GPU_MEMORY = re.compile(r"memory\.used \[MiB\]::(\d+ MiB)")


def render(inputs: Sequence[str], results: Sequence[object], *, as_json: bool) -> str:
    """One line of JSON per result, as the server gave it, or a table as wide as the terminal."""
    if as_json:
        return "\n".join(json.dumps(result) for result in results)
    columns, rows = _embedding_rows(results) if isinstance(results[0], list) else _label_rows(results)
    table = Table("text", *columns)
    for text, row in zip(inputs, rows, strict=True):
        table.add_row(Text(text, overflow="ellipsis", no_wrap=True), *map(Text, row))
    return _draw(table)


def render_models(states: Sequence[ModelState], *, as_json: bool) -> str:
    """One line per model."""
    if as_json:
        return "\n".join(json.dumps(asdict(state)) for state in states)
    table = Table("model", "version", "workers READY", "requests waiting")
    for state in states:
        ready = f"{state.num_ready} of {len(state.workers)}"
        table.add_row(Text(state.name), Text(state.version), ready, str(state.pending_requests))
    return _draw(table)


def render_state(state: ModelState, handler: Mapping[str, object] | None, *, as_json: bool) -> str:
    """One model, what its handler says of itself (None: nothing), and its workers."""
    if as_json:
        return json.dumps({**asdict(state), "handler": handler})
    facts = Table(show_header=False)
    for name, value in _facts(state, handler or {}).items():
        facts.add_row(name, Text(str(value)))
    workers = Table("worker", "status", "pid", "device", "memory")
    for worker in state.workers:
        workers.add_row(worker.id, worker.status, str(worker.pid or "none"), _device(worker), _memory(worker))
    return _draw(facts, workers)


def _facts(state: ModelState, handler: Mapping[str, object]) -> dict[str, object]:
    return {
        "model": state.name,
        "version": state.version,
        **handler,
        "batch size": f"up to {state.batch_size} requests, gathered for {state.max_batch_delay_ms} ms",
        "queue": f"{state.pending_requests} waiting, room for {state.queue_length}",
    }


def _device(worker: WorkerState) -> str:
    gpu_id = _GPU_ID.search(worker.gpu)
    return f"GPU {gpu_id[1]}" if gpu_id else worker.gpu or "cpu"


def _memory(worker: WorkerState) -> str:
    gpu_memory = _GPU_MEMORY.search(worker.gpu)
    if gpu_memory:
        return f"{gpu_memory[1]} in use on the GPU"
    return f"{worker.memory_bytes / MIB:.0f} MiB" if worker.memory_bytes else "not measured"


def _draw(*tables: Table) -> str:
    console = Console()
    with console.capture() as capture:
        for table in tables:
            console.print(table)
    return capture.get().rstrip("\n")


def _embedding_rows(results: Sequence[object]) -> tuple[list[str], list[list[str]]]:
    vectors = [result for result in results if isinstance(result, list)]
    rows = [[str(len(vector)), _first_values(vector)] for vector in vectors]
    return ["dimensions", "first values"], rows


def _first_values(vector: Sequence[float]) -> str:
    shown = " ".join(f"{value: .4f}" for value in vector[:SHOWN_VALUES])
    return f"{shown} ..." if len(vector) > SHOWN_VALUES else shown


def _label_rows(results: Sequence[object]) -> tuple[list[str], list[list[str]]]:
    labels = [result for result in results if isinstance(result, dict)]
    return ["label", "score"], [[str(label["label"]), f"{label['score']:.4f}"] for label in labels]
