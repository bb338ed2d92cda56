"""The order of an end: everybody is told first, and every java is asked before one is waited for."""

from types import SimpleNamespace
from typing import Any

import pytest

from berth.errors import BerthError
from berth.health.report import STOPPING
from berth.serve import run
from berth.serve.server import Server
from tests.unit.berth.serve.test_plan import make_plan


class Generation:
    """A java that notes what is done to it."""

    def __init__(self, name, done):
        self.plan, self._name, self._done = make_plan(), name, done
        self.watch = SimpleNamespace(lost=None, stop=lambda: done.append(f"{name} unwatched"))

    def require_running(self):
        raise BerthError("TorchServe ended by itself")

    def ask_to_end(self):
        self._done.append(f"{self._name} asked")

    def end(self, *_):
        self._done.append(f"{self._name} waited for")
        return True


@pytest.fixture
def done():
    return []


@pytest.fixture
def server(tmp_path, done):
    health: Any = SimpleNamespace(publish=lambda report: done.append(report.health()))
    made: Any = Server(folder=tmp_path, health=health, forks=None)
    made.live, made.others = Generation("live", done), [Generation("other", done)]
    return made


@pytest.mark.parametrize("is_requested", [True, False])
def test_it_is_not_ready_before_an_order_is_called_off(server, done, is_requested):
    signals: Any = SimpleNamespace(requested=is_requested)
    if is_requested:
        run._wait_for_the_end(server, signals)
    else:
        with pytest.raises(BerthError, match="ended by itself"):
            run._wait_for_the_end(server, signals)
    assert done == [STOPPING, "live unwatched", "other unwatched"]
    server.publish()  # the order that goes on leads its clients back
    assert done[-1] == STOPPING


def test_all_javas_are_asked_before_one_is_waited_for(server, done):
    signals: Any = SimpleNamespace(forced=False, wait=None)
    assert run._wind_down(server, signals) == 0
    assert done == ["live asked", "other asked", "live waited for", "other waited for"]
