"""Another version in the place of a served one, while sixteen clients never pause; and back where it is worse."""

import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from berth.archive.verify import content_id
from berth.rollout.state import Kept, State
from tests.support.front.haproxy import needs_haproxy
from tests.support.rollout.clients import never_pausing
from tests.support.rollout.orders import answer, finish, order, start, wait_for_step
from tests.support.rollout.versions import FAILS_WHEN_ASKED, make_version
from tests.support.servers import Server, running_server
from tests.support.standin import NEVER_LOADS, RAISES

pytestmark = [pytest.mark.server, needs_haproxy]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("versions")


@pytest.fixture(scope="module")
def second(folder: Path) -> Path:
    return make_version(folder, "2.0")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """Version 1 of `bert`."""
    with running_server([make_version(folder, "1.0")]) as running:
        yield running


@contextlib.contextmanager
def serving(server: Server, archive: Path) -> Iterator[None]:
    """Whatever the test before left: this archive is live in the block."""
    order(server, "rollout", archive, "--observe", "0s")
    yield


def test_sixteen_clients_lose_no_request_and_see_both_versions(
    server: Server, folder: Path, second: Path, tmp_path: Path
) -> None:
    golden = tmp_path / "golden.txt"
    golden.write_text("one\ntwo\n")
    options: Sequence[object] = ("--observe", "3s", "--canary", "30%", "--golden", golden)
    with never_pausing(server) as clients:
        server.require(lambda: clients.all_saw("1.0"), 60.0, "every client got an answer")
        steps = order(server, "rollout", second, *options)
        assert answer(server) == "2.0"
        server.require(lambda: clients.all_saw("2.0"), 60.0, "every client is led to the new version")
    assert clients.failures == {}
    assert steps["compared"]["facts"]["flips"] == 2  # the label is the version
    assert all(steps[step]["facts"]["new"]["requests"] > 0 for step in ("canary", "observed"))
    assert list(steps) == [
        *("verified", "counted", "proven", "compared", "canary", "switched", "observed", "removed", "done"),
    ]
    assert server.describe()["modelVersion"] == "2.0"  # the management address has followed
    assert State.read([folder / "bert-1.0" / "bert.mar"]).archives() == (second,)
    assert server.java.is_running()  # one alone, or this would fail
    assert len(list(server.temp.glob("berth-*/g*"))) == 1  # what the old version had has gone with it


def test_a_version_that_answers_worse_is_put_back(server: Server, folder: Path, second: Path) -> None:
    worse = make_version(folder, "3.0", FAILS_WHEN_ASKED)
    with serving(server, second):
        running = start(server, "rollout", worse, "--observe", "60s")
        wait_for_step(running, "switched")
        assert answer(server) == "3.0"
        assert answer(server, "bert/2.0") == "2.0"  # the old one is still there for who names it
        assert answer(server, text="fail") == "500"
        code, steps = finish(running)
        assert code == 1
        assert "1 of" in steps["failed"]["text"]
        assert "put back" in steps
        assert [answer(server), answer(server, "bert/3.0")] == ["2.0", "404"]


@pytest.mark.parametrize(("source", "words"), [(RAISES, "the known answers differ"), (None, "does not exist")])
def test_what_cannot_be_served_changes_nothing(
    server: Server, folder: Path, second: Path, source: str | None, words: str
) -> None:
    archive = make_version(folder, "4.0", source) if source else folder / "nowhere.mar"
    with serving(server, second):
        code, steps = finish(start(server, "rollout", archive))
        assert (code, answer(server)) == (4, "2.0")
        assert words in steps["failed"]["text"]


def test_one_at_a_time_and_ctrl_c_puts_back(server: Server, folder: Path, second: Path) -> None:
    with serving(server, second):
        running = start(server, "rollout", make_version(folder, "5.0", NEVER_LOADS))
        wait_for_step(running, "counted")
        code, steps = finish(start(server, "rollback"))
        assert (code, "another change" in steps["refused"]["text"]) == (4, True)
        running.send_signal(signal.SIGINT)
        code, steps = finish(running)
        assert (code, steps["failed"]["text"]) == (1, "it was called off")
        assert answer(server) == "2.0"


def test_one_more_one_less_and_back(server: Server, folder: Path, second: Path) -> None:
    with serving(server, second):
        other = make_version(folder, "1.0", name="other")
        order(server, "register", other, "--observe", "0s")
        assert [answer(server), answer(server, "other")] == ["2.0", "1.0"]
        assert order(server, "register", other)["done"]["facts"]["changed"] is False
        order(server, "unregister", "other", "--observe", "0s")
        assert [answer(server), answer(server, "other")] == ["2.0", "404"]


def test_what_was_live_last_is_served_after_a_restart_and_what_appears_too(second: Path, tmp_path: Path) -> None:
    first = make_version(tmp_path, "1.0")
    live, before = (Kept(archive=str(path), content=content_id(path)) for path in (second, first))
    assert State(asked=(str(first),), live=(live,), before=(before,)).write() == ""
    (watched := tmp_path / "watched").mkdir()
    with running_server([first], options=["--watch", str(watched)]) as server:
        assert "was live last" in server.log
        assert answer(server) == "2.0"
        order(server, "rollback", "--observe", "0s")
        assert answer(server) == "1.0"
        (watched / "bad.mar").write_text("no archive")
        server.wait_for_log("rollout: failed: ")
        make_version(tmp_path, "6.0").rename(watched / "bert.mar")
        server.require(lambda: answer(server) == "6.0", 60.0, "what appeared is live")
        assert server.log.count("rollout: failed: ") == 1
        server.process.send_signal(signal.SIGTERM)  # while it is observed
        assert server.wait_for_end() == 0
        assert "cut off" not in server.log
    assert State.read([first]).archives() == (first,)
