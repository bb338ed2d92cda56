"""A server without a front takes no orders, and whoever gives one hears why."""

from types import SimpleNamespace
from typing import Any

import pytest

from berth.cli.rollout import order
from berth.errors import Refused
from berth.health.report import Report
from berth.serve.rollout.changing import changing
from berth.serve.server import Server
from tests.unit.berth.serve.test_plan import make_plan


def test_without_a_front_an_order_is_refused_with_what_to_do(monkeypatch, tmp_path):
    published: list[Report] = []
    health: Any = SimpleNamespace(publish=published.append)
    server = Server(folder=tmp_path, health=health, forks=None)
    live: Any = SimpleNamespace(plan=make_plan())
    server.live = live
    asked: Any = None
    with changing(server, asked, lambda: False):
        monkeypatch.setattr(order, "fetch_capacity", lambda _: published[-1].capacity)
        with pytest.raises(Refused, match=r"takes no orders: a rollout needs the front, .* install haproxy 2\.6"):
            order.find_launcher()
    assert list(tmp_path.iterdir()) == []  # nor is there a socket
