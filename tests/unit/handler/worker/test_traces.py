"""Without an endpoint nothing is traced and nothing imported; with one and without OpenTelemetry, the start says so."""

import subprocess
import sys

import pytest

from handler.errors import LoadError
from handler.worker.traces import ENDPOINTS, STARTED, NoTraces, Traces, _came_ns, open_traces

IMPORTED = (
    "import sys\n"
    "from handler.worker.traces import open_traces\n"
    "open_traces('bert', '1.0').end(None, [], [], [])\n"
    "print([name for name in sys.modules if name.startswith('opentelemetry')])"
)


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ENDPOINTS:
        monkeypatch.delenv(variable, raising=False)


def test_without_an_endpoint_nothing_is_imported() -> None:
    assert type(open_traces("bert", "1.0")) is NoTraces
    ran = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("variable", ENDPOINTS)
def test_with_an_endpoint_there_are_traces(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert isinstance(open_traces("bert", "1.0"), Traces)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(LoadError, match=r"berth\[otel\]"):
        open_traces("bert", "1.0")


@pytest.mark.parametrize(
    ("said", "came_ns"), [("t=5", 5000), ("t=" + "9" * 5000, None), ("t=\u0665", None), ("soon", None), ("", None)]
)
def test_when_it_came_is_what_a_front_says_of_it(said: str, came_ns: int | None) -> None:
    assert _came_ns({STARTED: said}) == came_ns
