"""Ports of a server that is tried: none that Linux gives away, and others where one is taken."""

import contextlib
from collections.abc import Iterator

import pytest

from berth.errors import BerthError
from berth.front.plan import GIVEN_AWAY, LOWEST
from berth.tune.ports import free_ports
from berth.tune.server import TAKEN, TRIES, start_where_free


def test_no_port_is_one_that_a_connection_may_get_meanwhile() -> None:
    first = int(GIVEN_AWAY.read_text("ascii").split()[0])
    ports = list(free_ports().values())
    assert len(set(ports)) == 6
    assert max(ports) < max(first, LOWEST) or first < LOWEST + len(ports)  # where Linux gives all of them away


def test_a_server_whose_port_was_taken_is_started_again() -> None:
    said = [f"{TAKEN}127.0.0.1:1", f"{TAKEN}127.0.0.1:2"]

    @contextlib.contextmanager
    def start() -> Iterator[str]:
        if said:
            raise BerthError(said.pop())
        yield "url"

    with contextlib.ExitStack() as running:
        assert start_where_free(start, running) == "url"
        said += [f"{TAKEN}127.0.0.1:{number}" for number in range(TRIES)]
        with pytest.raises(BerthError, match=f"^{TAKEN}"):
            start_where_free(start, running)
        said += ["it has no model", "never said"]
        said.reverse()
        with pytest.raises(BerthError, match="it has no model"):
            start_where_free(start, running)
    assert said == ["never said"]
