"""The metrics page of a server, read by a few lines of our own."""

import re
from collections import defaultdict

import requests

from handler.config import MAX_INPUTS_PER_REQUEST

from .servers import Server

SCRAPED_S = 30.0  # a worker's lines reach the frontend within milliseconds
SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


class Scrape:
    """A metrics page as it is now: the handler's and TorchServe's, or the launcher's at another address."""

    def __init__(self, server: Server, url: str = "") -> None:
        answer = requests.get(f"{url or server.metrics_url}/metrics", timeout=10)
        answer.raise_for_status()
        self.lines = answer.text.splitlines()
        self._samples: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for found in filter(None, map(SAMPLE.fullmatch, self.lines)):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            self._samples[found[1]].append((labels, float(found[3])))

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        return sum(value for found, value in self._samples[name] if labels.items() <= found.items())

    def labels(self, name: str) -> dict[str, set[str]]:
        """The values of each label that a metric has."""
        values: dict[str, set[str]] = defaultdict(set)
        for label, value in (pair for found, _ in self._samples[name] for pair in found.items()):
            values[label].add(value)
        return values


def settled(server: Server) -> Scrape:
    """The launcher's page once no client's request is under way: the front counts one when it is gone."""
    page = Scrape(server, server.health_url)

    def is_settled() -> bool:
        nonlocal page
        page = Scrape(server, server.health_url)
        return page.total("berth_front_under_way") == 0

    server.require(is_settled, SCRAPED_S, "no request is under way")
    return page


class Growth:
    """What the metrics of a model with one worker grew by since this was made, and since all before it was counted."""

    def __init__(self, server: Server, model: str = "bert") -> None:
        self._server = server
        self._model = model
        self._before = Scrape(server)
        self._mark()
        self._before = Scrape(server)

    def of(self, name: str, **labels: str) -> float:
        labels["model_name"] = self._model
        return Scrape(self._server).total(name, **labels) - self._before.total(name, **labels)

    def _mark(self) -> None:
        """Wait until an own request is counted, and so all before it: java reads a worker's lines in their order."""
        too_many = {"inputs": ["a"] * (MAX_INPUTS_PER_REQUEST + 1)}
        requests.post(f"{self._server.inference_url}/predictions/{self._model}", json=too_many, timeout=60)
        self.wait("berth_errors_total", 1, code="413")

    def wait(self, name: str, growth: float, **labels: str) -> None:
        what = f"{name} grew by {growth} in a scrape"
        self._server.require(lambda: self.of(name, **labels) >= growth, SCRAPED_S, what)
