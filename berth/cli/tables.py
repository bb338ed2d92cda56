"""Results and models for people, as tables, or for programs, as JSON lines."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..clients.management import ModelState, WorkerState
from ..clients.messages import Input, JsonObject, Result

Row = JsonObject
"""What is shown of a result, or of a part of it, by column."""

SHOWN_VALUES = 4
SHOWN_CHARACTERS = 24
FIRST_KEYS = frozenset({"text", "question", "query"})  # of inputs: what a row is about
# What is shown of an object in a result, by the key that tells what it is. Of another object everything is.
SHOWN_KEYS = {
    "entity": ("entity", "score", "word", "start", "end"),
    "entity_group": ("entity_group", "score", "word", "start", "end"),
    "answer": ("answer", "score", "start", "end"),
    "token_str": ("token_str", "score"),
    "index": ("index", "score"),
    "label": ("label", "score"),
}
COLUMNS = {"entity_group": "entity", "token_str": "word"}  # where a key makes a poor heading
NOTHING = "(nothing)"
# TorchServe's gpuUsage: "gpuId::0 utilization.gpu [%]::3 % ... memory.used [MiB]::1652 MiB" (wlm/WorkerThread.java)
_GPU_ID = re.compile(r"gpuId::(\d+)")
_GPU_MEMORY = re.compile(r"memory\.used \[MiB\]::(\d+ MiB)")


def render(inputs: Sequence[Input], results: Sequence[Result], *, as_json: bool) -> str:
    """One line of JSON per result, as the server gave it, or a table as wide as the terminal."""
    if as_json:
        return "\n".join(map(_to_line, results))
    rows = [_rows(source, result) for source, result in zip(inputs, results, strict=True)]
    columns = list(dict.fromkeys(column for group in rows for row in group for column in row)) or ["result"]
    table = Table("text" if all(isinstance(source, str) for source in inputs) else "input", *columns)
    for source, group in zip(inputs, rows, strict=True):
        shown = _name(source)
        for row in group or [{columns[0]: NOTHING}]:
            table.add_row(_one_line(shown), *(_cell(row.get(column, "")) for column in columns))
            shown = ""  # once for all its rows
    return draw(table)


def _to_line(result: Result) -> str:
    """A result as JSON; a vector by msgspec, for json takes 0.2 ms for 384 numbers."""
    is_vector = isinstance(result, list) and isinstance(next(iter(result), None), float)
    return msgspec.json.encode(result).decode() if is_vector else json.dumps(result)


def render_models(states: Sequence[ModelState], *, as_json: bool) -> str:
    """One line of JSON per model, or a table with one row per model."""
    if as_json:
        return "\n".join(json.dumps(asdict(state)) for state in states)
    table = Table("model", "version", "workers READY", "requests waiting")
    for state in states:
        ready = f"{state.num_ready} of {len(state.workers)}"
        table.add_row(Text(state.name), Text(_version(state, states)), ready, str(state.pending_requests))
    return draw(table)


def render_state(
    state: ModelState, handler: Mapping[str, object] | None, versions: Sequence[ModelState] = (), *, as_json: bool
) -> str:
    """One model among the `versions` of its name, what its handler says of itself (None: nothing), and its workers."""
    if as_json:
        return json.dumps({**asdict(state), "handler": handler})
    facts = Table(show_header=False)
    others = {
        "other versions": ", ".join(_version(each, versions) for each in versions if each.version != state.version)
    }
    shown = {**_facts(state, handler or {}), "version": _version(state, versions), **(others if versions[1:] else {})}
    for name, value in shown.items():
        facts.add_row(name, Text(str(value)))
    workers = Table("worker", "status", "pid", "device", "memory")
    for worker in state.workers:
        workers.add_row(worker.id, worker.status, str(worker.pid or "none"), _device(worker), _memory(worker))
    return draw(facts, workers)


def _version(state: ModelState, states: Sequence[ModelState]) -> str:
    """A version, and that it is the default where its name has another one."""
    is_alone = len([each for each in states if each.name == state.name]) <= 1
    return state.version if is_alone or not state.is_default else f"{state.version} (the default)"


def _facts(state: ModelState, handler: Mapping[str, object]) -> dict[str, object]:
    return {
        "model": state.name,
        "version": state.version,
        **{name: _fact(fact) for name, fact in handler.items()},
        "batch size": f"up to {state.batch_size} requests, gathered for {state.max_batch_delay_ms} ms",
        "queue": f"{state.pending_requests} waiting, room for {state.queue_length}",
    }


def _fact(fact: object) -> object:
    """A list or an object in one line."""
    items = [f"{name} {value}" for name, value in fact.items()] if isinstance(fact, dict) else fact
    return ", ".join(map(str, items)) if isinstance(items, list) else items


def _device(worker: WorkerState) -> str:
    gpu_id = _GPU_ID.search(worker.gpu)
    return f"GPU {gpu_id[1]}" if gpu_id else worker.gpu or "cpu"


def _memory(worker: WorkerState) -> str:
    gpu_memory = _GPU_MEMORY.search(worker.gpu)
    if gpu_memory:
        return f"{gpu_memory[1]} in use on the GPU"
    return f"{worker.memory_bytes / 2**20:.0f} MiB" if worker.memory_bytes else "not measured"


def draw(*shown: Table | Text) -> str:
    """What a terminal of this width would show, without an end of line."""
    console = Console()
    with console.capture() as capture:
        for each in shown:
            console.print(each)
    return capture.get().rstrip("\n")


def _name(source: Input) -> str:
    """Name an input in one cell: its texts, the question before what it is about."""
    if isinstance(source, str):
        return source
    keys = sorted(source, key=lambda key: key not in FIRST_KEYS)
    return " | ".join(text for key in keys if isinstance(text := source[key], str))


def _rows(source: Input, result: Any) -> list[Row]:
    """List the rows that show one result; none for an empty list."""
    if isinstance(result, dict):
        return _label_rows(result) if "labels" in result else [_row(source, result)]
    if isinstance(result, str):
        return [{"base64": f"{result[:SHOWN_CHARACTERS]}..."}]
    if result and isinstance(result[0], float):
        return [{"dimensions": len(result), "first values": _first_values(result)}]
    if result and isinstance(result[0], list):
        return [{**_row(source, word), "mask": mask} for mask, words in enumerate(result, 1) for word in words]
    return [_row(source, part) for part in result]


def _label_rows(result: JsonObject) -> list[Row]:
    """Show zero-shot-classification's labels as text-classification's are shown."""
    return [{"label": label, "score": score} for label, score in zip(result["labels"], result["scores"], strict=True)]


def _row(source: Input, part: JsonObject) -> Row:
    keys = next((keys for name, keys in SHOWN_KEYS.items() if name in part), tuple(part))
    row = {COLUMNS.get(key, key): NOTHING if part[key] == "" else part[key] for key in keys}
    if keys == SHOWN_KEYS["index"] and isinstance(source, Mapping):
        texts: Any = source["texts"]
        row["text"] = _one_line(texts[part["index"]])
    return row


def _first_values(vector: Sequence[float]) -> str:
    shown = " ".join(f"{value: .4f}" for value in vector[:SHOWN_VALUES])
    return f"{shown} ..." if len(vector) > SHOWN_VALUES else shown


def _cell(value: object) -> Text:
    if isinstance(value, Text):
        return value
    return Text(f"{value:.4f}" if isinstance(value, float) else str(value))


def _one_line(text: str) -> Text:
    """Put a user's text on one line; its beginning is enough to recognize it."""
    return Text(" ".join(text.splitlines()), overflow="ellipsis", no_wrap=True)
