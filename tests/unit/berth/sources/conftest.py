"""Files of checkpoints that nothing loads, and a Hub that has them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from berth.progress import Advance, Silence
from berth.sources.source import Source, opened
from tests.support.hub.client import point_at
from tests.support.hub.repository import Repository
from tests.support.hub.server import Hub, running_hub

CHECKPOINT = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": b"weights" * 1000,
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b"{}",
}
Open = Callable[[str], Source]


class Recorder:
    """A Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.totals: list[int | None] = []
        self.done: list[int] = []

    def begin(self, what: str, total: int | None = None) -> Advance:
        self.steps.append(what)
        self.totals.append(total)
        self.done.append(0)
        step = len(self.done) - 1

        def advance(done: int) -> None:
            self.done[step] += done

        return advance


def write_files(folder: Path, files: dict[str, bytes] = CHECKPOINT) -> Path:
    """`files` below `folder`."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture
def open_source() -> Iterator[Open]:
    """open_source(address): what is opened there, until the test ends."""
    with ExitStack() as stack:
        yield lambda address: stack.enter_context(opened(address, Silence()))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub with org/tiny, and huggingface_hub pointed at it; the cache is tmp_path/hub."""
    with running_hub(org__tiny=Repository(dict(CHECKPOINT))) as running:
        point_at(running, tmp_path / "hub", monkeypatch)
        yield running
