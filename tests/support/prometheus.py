"""A real Prometheus (Debian's package) that scrapes one target, asked through its HTTP API."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from berth.tune.ports import free_port
from berth.wait import wait_until

ANSWERED_S = 60.0  # scrapes are a second apart, and a rate needs two
END_S = 30.0

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="no prometheus: install Debian's package prometheus"
)


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=10).ok
        except requests.ConnectionError:
            return False

    def ask(self, query: str) -> list[float]:
        """The values of an instant query, one per series."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=10).json()
        assert answer["status"] == "success", answer
        return [float(series["value"][1]) for series in answer["data"]["result"]]

    def wait_for(self, query: str) -> None:
        """Wait until the query has a series; with a comparison, such as `up == 1`, until it holds for one."""
        assert wait_until(lambda: bool(self.ask(query)), ANSWERED_S), f"nothing in {ANSWERED_S:.0f} s: {query}"


@contextlib.contextmanager
def running_prometheus(
    targets: Sequence[str], folder: Path, groups: Sequence[dict[str, Any]] = ()
) -> Iterator[Prometheus]:
    """A Prometheus that scrapes these HOST:PORT as job `berth`; SIGTERM ends it, and it must end well.

    `groups`: of rules, which it goes by.
    """
    job = {"job_name": "berth", "scrape_interval": "1s", "static_configs": [{"targets": list(targets)}]}
    (folder / "rules.json").write_text(json.dumps({"groups": list(groups)}))
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [job], "rule_files": ["rules.json"]}))
    address = f"127.0.0.1:{free_port()}"
    arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        prometheus = Prometheus(f"http://{address}")
        assert wait_until(prometheus.is_ready, ANSWERED_S), (folder / "log").read_text()
        yield prometheus
    finally:
        process.terminate()
        try:
            assert process.wait(END_S) == 0, (folder / "log").read_text()
        finally:
            process.kill()
