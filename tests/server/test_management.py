"""`berth models`, `describe` and `scale` as a user types them, against a real TorchServe."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from berth.cli.bars import show_progress
from berth.cli.scale import scale_model
from berth.clients.management import ManagementClient
from berth.errors import BerthError
from tests.support.servers import BERTH, Server, running_server
from tests.support.standin import ANSWERS, make_standin

pytestmark = pytest.mark.server

# What happens to a worker that loads while this file says so.
FATE = """
        import pathlib, threading
        fate = pathlib.Path({path!r})
        if fate.exists() and fate.read_text() == "dies":
            raise ValueError("no second worker today")
        if fate.exists():
            threading.Event().wait()
"""
COMMAND_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Scalable:
    """A server whose `bert` scales in a second, or fails to as `fate` says."""

    server: Server
    fate: Path

    def num_workers(self) -> int:
        return len(self.server.worker_pids())


@pytest.fixture(scope="module")
def scalable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scalable]:
    folder = tmp_path_factory.mktemp("scalable")
    fate = folder / "fate"
    source = ANSWERS.replace('"""Nothing to load."""', FATE.format(path=str(fate)))
    with running_server([make_standin(folder, source)]) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BERTH_HEALTH_ADDRESS", f"127.0.0.1:{server.ports['health']}")  # whom scale asks for room
        yield Scalable(server=server, fate=fate)


def berth(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command whose output is no terminal."""
    return subprocess.run([BERTH, *arguments], capture_output=True, text=True, timeout=COMMAND_S, check=False)


def berth_on_terminal(*arguments: str) -> str:
    """What a command shows on a terminal, from both of its outputs."""
    ours, its = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        process = subprocess.Popen([BERTH, *arguments], stdin=its, stdout=its, stderr=its, env=environment)
        os.close(its)
        shown = b"".join(_read_terminal(terminal.fileno()))
        assert process.wait(COMMAND_S) == 0, shown
    return shown.decode()


def _read_terminal(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # Linux's way to say that nobody holds the other end any more
            return
        yield part


def json_lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_models_and_their_workers(answering_server: Server) -> None:
    models = json_lines(berth("models", "--url", answering_server.management_url))
    assert [model["name"] for model in models] == ["bert", "tiny"]
    assert [[worker["status"] for worker in model["workers"]] for model in models] == [["READY"], ["READY"]]


def test_describe_has_the_workers_and_the_handlers_own_words(answering_server: Server) -> None:
    (state,) = json_lines(berth("describe", "bert", "--url", answering_server.management_url))
    assert [worker["pid"] for worker in state["workers"]] == answering_server.worker_pids()
    assert (state["batch_size"], state["queue_length"]) == (64, 128)
    assert state["handler"]["engine"] == "packed"
    assert state["handler"]["max_tokens"] == 256
    assert "labels" not in state["handler"]


def test_a_classifiers_description_has_its_labels(answering_server: Server, tiny: Path) -> None:
    (state,) = json_lines(berth("describe", "tiny", "--url", answering_server.management_url))
    id2label = json.loads((tiny / "config.json").read_text("utf-8"))["id2label"]
    assert state["handler"]["labels"] == [id2label[str(index)] for index in range(len(id2label))]


def test_a_terminal_gets_tables(answering_server: Server) -> None:
    assert "1 of 1" in berth_on_terminal("models", "--url", answering_server.management_url)
    shown = berth_on_terminal("describe", "bert", "--url", answering_server.management_url)
    assert "packed" in shown
    assert str(answering_server.worker_pids()[0]) in shown
    (model, _) = berth_on_terminal("models", "--json", "--url", answering_server.management_url).splitlines()
    assert json.loads(model)["name"] == "bert"


def test_an_unknown_model(answering_server: Server) -> None:
    for command in (["describe", "nobody"], ["scale", "nobody", "--workers", "2"]):
        done = berth(*command, "--url", answering_server.management_url)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert "404: Model not found: nobody; `berth models` lists what is served" in line


def test_several_models_are_listed_where_none_is_named(
    answering_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TS_MANAGEMENT_ADDRESS", answering_server.management_url)
    monkeypatch.setenv("BERTH_URL", answering_server.inference_url)
    argument, option = "as MODEL, or model=", "--model, or model="
    for command, how in (
        (["describe"], argument),
        (["scale", "--workers", "2"], argument),
        (["predict", "hello"], option),
    ):
        done = berth(*command)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.endswith(f"has 2 models, bert, tiny: name one of them ({how})")


def test_the_inference_address_is_not_the_management_address(answering_server: Server) -> None:
    done = berth("models", "--url", answering_server.inference_url)
    assert done.returncode == 2
    assert "the management address (http://127.0.0.1:8081)" in done.stderr
    done = berth("predict", "hello", "--url", answering_server.management_url)
    assert done.returncode == 2
    assert "the inference address (http://127.0.0.1:8080 by default)" in done.stderr


def test_scale_up_and_down_again(scalable: Scalable) -> None:
    url = scalable.server.management_url
    done = berth("scale", "bert", "--workers", "2", "--url", url)
    (state,) = json_lines(done)
    assert [worker["status"] for worker in state["workers"]] == ["READY", "READY"]
    assert state["is_default"] is True
    assert scalable.num_workers() == 2
    assert len(done.stderr.splitlines()) == 1
    assert "default_workers_per_model" in done.stderr
    (state,) = json_lines(berth("scale", "bert", "--workers", "1", "--url", url))
    assert len(state["workers"]) == scalable.num_workers() == 1


def test_scale_shows_its_progress_on_a_terminal(scalable: Scalable) -> None:
    shown = berth_on_terminal("scale", "bert", "--workers", "1", "--url", scalable.server.management_url)
    assert "workers of bert" in shown
    assert "1 of 1" in shown


def test_a_model_whose_handler_does_not_answer_is_described_without_it(scalable: Scalable) -> None:
    (pid,) = scalable.server.worker_pids()
    worker = psutil.Process(pid)
    worker.suspend()
    try:
        done = berth("describe", "bert", "--url", scalable.server.management_url)
    finally:
        worker.resume()
    (state,) = json_lines(done)
    assert state["handler"] is None
    assert state["workers"][0]["status"] == "READY"
    assert "without what the handler says of itself" in done.stderr


# From here on the server may have a worker that describe does not show: one that waits to be started again while it is
# taken away is started all the same, and answers (TorchServe's WorkerThread.retry and connect).


def test_a_worker_that_cannot_start_ends_the_wait(scalable: Scalable) -> None:
    scalable.fate.write_text("dies")
    done = berth("scale", "bert", "--workers", "2", "--url", scalable.server.management_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "1 of 2 workers READY" in done.stderr
    assert "died" in done.stderr
    assert "`berth scale bert --workers 1` goes back" in done.stderr
    restore(scalable)


def test_a_worker_that_never_loads_is_not_waited_for_without_end(scalable: Scalable) -> None:
    scalable.fate.write_text("hangs")
    with (
        ManagementClient(scalable.server.management_url) as management,
        show_progress() as progress,
        pytest.raises(BerthError, match=r"after 2 s bert has 1 of 2 workers READY .*; .* goes back"),
    ):
        scale_model(management, "bert", 2, progress, timeout_s=2.0)
    restore(scalable)


def restore(scalable: Scalable) -> None:
    """One worker, which loads, again."""
    scalable.fate.unlink()
    json_lines(berth("scale", "bert", "--workers", "1", "--url", scalable.server.management_url))
