"""One split under load: served, warmed up, and asked at rates that come ever nearer to what it answers in time."""

import itertools
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from ..errors import BerthError, UsageError
from ..process.run_folder import run_folder
from .open_loop import OpenLoop, Sent, poisson, run_open_loop
from .search import Step, find_peak
from .server import serving
from .tuning import Tuning, tuning_file, write_tuning

LOG = "log"
NUM_STEPS = 4
STEP_S = 2.0
LEAST_REQUESTS = 100  # of a step, for a 99th percentile
LONGEST_STEP_S = 8.0
BURST = 64  # requests at once, as many as fill a batch
NUM_BURSTS = 3  # of which the first only warms up
START_S = 9.0  # about, of a server on two cores, until it is ready; and a second to end
TRIAL_S = START_S + 3.0 + 1.5 * NUM_STEPS * STEP_S
"""What a trial takes, about: some of its steps are taken twice."""
ABOVE_BURSTS = 1.1  # times what a burst shows may be answered in time: where smaller batches are faster
AGAIN = (0.5, 1.25)
"""The range of rates for another trial, times the peak of the first."""


class Load:
    """Requests to one server, whose texts go on where the last ones ended."""

    def __init__(self, url: str, bodies: Sequence[bytes]) -> None:
        self._url = url
        self._bodies = bodies
        self._next = 0
        self._seeds = itertools.count(1)

    def burst(self) -> float:
        """Send a burst and return how many requests/s were answered; BerthError where none was."""
        good = [each.latency_s for each in self._send([0.0] * BURST) if each.status == HTTPStatus.OK]
        if not good:
            raise BerthError("the server answered no request")
        return len(good) / max(good)

    def measure(self, rate: float) -> Step:
        """Send requests at this rate, at a Poisson process's times, until there are enough."""
        duration_s = min(max(STEP_S, LEAST_REQUESTS / rate), LONGEST_STEP_S)
        sent = self._send(poisson(rate, duration_s, next(self._seeds)))
        good = [each.latency_s for each in sent if each.status == HTTPStatus.OK]
        return Step.of(rate, good, len(sent) - len(good))

    def _send(self, arrivals_s: Sequence[float]) -> list[Sent]:
        """Send and wait for the answers; UsageError where a text was refused."""
        begin = self._next % len(self._bodies)
        self._next += len(arrivals_s)
        bodies = [*self._bodies[begin:], *self._bodies[:begin]]
        sent = run_open_loop(OpenLoop(url=self._url, bodies=bodies, arrivals_s=arrivals_s))
        for number, each in enumerate(sent):
            if HTTPStatus.BAD_REQUEST <= each.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                place = (begin + number) % len(self._bodies) + 1
                raise UsageError(
                    f"text {place} got the status {each.status}; `berth predict` shows what is wrong with it"
                )
        return sent


def try_split(archive: Path, config: Path, bodies: Sequence[bytes], tuning: Tuning, path: str) -> list[Step]:
    """Serve an archive as `tuning` says and return what became of each rate, in order.

    `path` is the model's on the server; the peak of `tuning` is what an earlier trial reached. The archive is linked to
    from a folder that ends with the trial, where its tuning lies beside it, as `serve` reads it. BerthError where it is
    not served, UsageError where no split would be.
    """
    with run_folder() as folder:
        link = folder / archive.absolute().name
        link.symlink_to(archive.absolute())
        write_tuning(tuning_file(link), tuning)
        with serving(link, config, folder / LOG) as url:
            load = Load(url + path, bodies)
            lowest, highest = _range(load, tuning.peak)
            return find_peak(load.measure, lowest, highest, tuning.target_p99_ms, NUM_STEPS)


def _range(load: Load, former: Step | None) -> tuple[float, float]:
    """Warm up, and return the rates to search between."""
    fastest = max([load.burst() for _ in range(NUM_BURSTS)][1:])
    if former:
        return former.rate * AGAIN[0], former.rate * AGAIN[1]
    return 0.0, fastest * ABOVE_BURSTS
