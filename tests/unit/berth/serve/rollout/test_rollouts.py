"""What is kept of what is live where files are replaced under it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from berth.archive.kept import clear_kept, list_kept
from berth.archive.unpack import cache_folder
from berth.archive.verify import content_id
from berth.errors import BerthError, Refused
from berth.rollout.messages import Action, Event, Order
from berth.rollout.state import State
from berth.serve.prepare import prepare_models
from berth.serve.request import read_request
from berth.serve.rollout import rollouts as module
from berth.serve.rollout.rollouts import Rollouts
from tests.support.rollout.versions import make_version
from tests.support.servers import CONFIG


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def archives(tmp_path):
    return [make_version(tmp_path, "1.0"), make_version(tmp_path, "1.0", name="other")]


def made(archives):
    """Rollouts of a server that serves these."""
    live = SimpleNamespace(plan=SimpleNamespace(models=prepare_models(archives)))
    server: Any = SimpleNamespace(live=live, generations=[live], is_changing=False)
    request = read_request(archives, CONFIG, None)
    return Rollouts(server=server, request=request, state=State.read(archives))


def give(rollouts, archive):
    events: list[Event] = []
    rollouts.carry_out(Order(action=Action.TAKE, archive=str(archive)), events.append, lambda: None)
    return events


def test_a_put_back_over_a_replaced_file_outlives_a_restart(archives, tmp_path, monkeypatch):
    first, rollouts, content = archives[0], made(archives), content_id(archives[0])

    class Worse:
        def __init__(self, **_):
            pass

        def run(self):
            raise BerthError("it is worse")

    monkeypatch.setattr(module, "Course", Worse)
    (done,) = give(rollouts, first)
    assert (done.exit_code, done.facts) == (0, {"live": {"bert": "1.0", "other": "1.0"}, "changed": False})
    assert "it is so already" in done.text
    assert State.read(archives).live == ()  # nothing was replaced, and nothing need be kept
    make_version(tmp_path, "2.0").replace(first)
    with pytest.raises(BerthError, match="it is worse"):
        give(rollouts, first)
    assert State.read(archives).archives() == (cache_folder() / content, archives[1])


def test_half_a_copy_over_a_served_file_is_not_served_after_a_restart(archives):
    rollouts, content = made(archives), content_id(archives[0])
    archives[0].write_bytes(archives[0].read_bytes()[:100])
    with pytest.raises(Refused):
        give(rollouts, archives[0])
    assert State.read(archives).archives() == (cache_folder() / content, archives[1])


class Good:
    """A change that does as it is told."""

    failure = None

    def __init__(self, *, request, server, **_):
        self.request, self.server = request, server

    def run(self):
        self.server.live.plan.models = prepare_models(self.request.archives)

    def finish(self):
        pass


def test_what_is_live_and_what_was_before_stay_unpacked_and_older_versions_can_be_cleared(
    archives, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "Course", Good)
    rollouts = made(archives)
    served = [archives[0], *(make_version(tmp_path, version) for version in ("2.0", "3.0"))]
    for archive in served[1:]:
        assert give(rollouts, archive)[-1].exit_code == 0
    assert [kept.folder.name for kept in clear_kept(cache_folder())] == [content_id(served[0])]
    left = {content_id(archive) for archive in (*served[1:], archives[1])}
    assert {kept.folder.name for kept in list_kept(cache_folder())} == left


def test_models_that_an_order_does_not_name_stay_as_they_are(archives, tmp_path, monkeypatch):
    rollouts, (first, other), content = made(archives), archives, content_id(archives[1])
    second, courses = make_version(tmp_path, "2.0"), []
    other.unlink()

    def begin(**given):
        courses.append(Good(**given))
        return courses[-1]

    monkeypatch.setattr(module, "Course", begin)
    assert give(rollouts, second)[-1].exit_code == 0
    assert courses[0].request.archives == (second, cache_folder() / content)
    assert rollouts.request.archives == (second, other)
    assert State.read([first, other]).archives() == (second, cache_folder() / content)
    assert replace(rollouts.state, asked=()).before[0].find() == Path(first)
