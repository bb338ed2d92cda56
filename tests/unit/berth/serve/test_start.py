"""Probes are answered while a server is prepared: kubelet does not wait for an archive to be unpacked."""

from pathlib import Path

import pytest
import requests

from berth.errors import Refused
from berth.serve import prepare
from berth.serve.start import serve_archives
from berth.tune.ports import free_ports, port_variables
from tests.support.servers import CONFIG
from tests.support.standin import make_standin


def test_a_server_that_is_prepared_is_live_and_starting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found: list[int] = []

    def ask(*_: object) -> None:
        for path in ("/startup", "/live", "/ready"):
            found.append(requests.get(f"http://127.0.0.1:{ports['health']}{path}", timeout=20).status_code)
        raise Refused("that is all")

    ports = free_ports()
    for name, value in port_variables(ports).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("berth.machine.forking.why_not_forked", lambda _: "nothing is to be forked")
    monkeypatch.setattr(prepare, "prepare_server", ask)
    with pytest.raises(Refused, match="that is all"):
        serve_archives([make_standin(tmp_path)], CONFIG, None, 0.0)
    assert found == [503, 200, 503]
