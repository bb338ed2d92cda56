"""The worker processes: started, handed claims, asked for parts in order."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Protocol, TypeVar

import msgspec

from ..errors import BerthError, Refused, ServerUnreachable, UsageError
from ..workers.environment import GPU_ENVIRONMENT, OPENMP_ENVIRONMENT, worker_environment
from .claims import Gap
from .columns import Reader
from .messages import Audited, Done, Failed, FromWorker, Placed, Ready, Setup, Work, encode, read_from_worker

AHEAD = 2
"""Claims that a worker has at once: one that it answers, one that waits."""
M = TypeVar("M", Ready, Done, Audited)
A = TypeVar("A", Done, Audited)
ERRORS = {each.exit_code: each for each in (BerthError, UsageError, ServerUnreachable, Refused)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What has no part yet."""

    gaps: Sequence[Gap]
    numbers: Iterator[int]
    """Those of the parts that are not there, in order."""
    draft: Callable[[int], str]
    """Where a part is written before it is moved to its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A part that lies where it was drafted."""

    number: int
    placed: Placed
    done: Done


class Crew(Protocol):
    """Whoever makes parts of claims: the worker processes of this command, or those of a Ray cluster."""

    @property
    def ready(self) -> Ready:
        """What they run, all alike."""

    def make(self, missing: Missing, reader: Reader) -> Iterator[Made]:
        """Yield the parts of all claims in order.

        What a file's reader raises comes behind the parts before it; BerthError where they cannot go on.
        """


def environment_of(threads: int) -> dict[str, str]:
    """The environment of a worker's process, with so many threads for its forward passes and one for anything else."""
    return {
        **OPENMP_ENVIRONMENT,
        **worker_environment(os.environ),
        **GPU_ENVIRONMENT,
        "BERTH_CORES": str(threads),
        "RAYON_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


class Worker:
    """One process, and the claims that it has."""

    def __init__(self, setup: Setup) -> None:
        self.pipe, other = Pipe()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "berth.bulk.worker", str(other.fileno())],
                cwd=setup.folder or None,
                env=environment_of(setup.threads),
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )
        self.num_claims = 0
        self.pipe.send_bytes(encode(setup))

    def send(self, work: Work) -> None:
        """Hand it a claim."""
        self.num_claims += 1
        try:
            self.pipe.send_bytes(encode(work))
        except OSError:
            raise self._died() from None

    def receive(self, kind: type[M]) -> M:
        """What it says next; BerthError where it cannot go on."""
        try:
            message: FromWorker = read_from_worker(self.pipe.recv_bytes())
        except (EOFError, OSError):
            raise self._died() from None
        if isinstance(message, Failed):
            raise ERRORS.get(message.exit_code, BerthError)(message.message)
        assert isinstance(message, kind)
        return message

    def end(self) -> None:
        """Close the pipe, with which the process ends, and wait for it."""
        self.pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _died(self) -> BerthError:
        code = self._process.wait()
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        hint = " (9 is often the kernel's, where memory runs out)" if code == -9 else ""
        return BerthError(f"a worker ended by {reason}{hint}; what is done is kept: run the same command again")


class Workers:
    """All of them."""

    def __init__(self, workers: Sequence[Worker], ready: Ready) -> None:
        self._workers, self.ready = workers, ready

    def make(self, missing: Missing, reader: Reader) -> Iterator[Made]:
        """Read the claims here, and hand them out; see Crew."""
        places: dict[int, Placed] = {}

        def works() -> Iterator[Work]:
            for placed, work in (each for gap in missing.gaps for each in reader.read(gap)):
                number = next(missing.numbers)
                places[number] = placed
                yield msgspec.structs.replace(work, number=number, file=missing.draft(number))

        for work, done in self.answers(works()):
            yield Made(number=work.number, placed=places.pop(work.number), done=done)

    def answers(self, claims: Iterable[Work]) -> Iterator[tuple[Work, Done]]:
        """Yield each claim, without its payload, and the part that was made of it, in order."""
        return self.course(claims, Done)

    def course(self, claims: Iterable[Work], kind: type[A]) -> Iterator[tuple[Work, A]]:
        """Yield each claim, without its payload, and what became of it, in order.

        What the claims' own iterator raises comes behind the answers to those before it.
        """
        claims = iter(claims)
        sent: dict[int, Work] = {}
        done: dict[int, A] = {}
        failure: Exception | None = None
        is_over = False
        while True:
            while not is_over and len(sent) < 2 * AHEAD * len(self._workers) and (free := self._free()):
                try:
                    work = next(claims, None)
                except BerthError as error:
                    work, failure = None, error
                is_over = work is None
                if work is not None:
                    free.send(work)
                    sent[work.number] = msgspec.structs.replace(work, payload=b"")
            if not sent:
                break
            for worker in self._speaking():
                answer = worker.receive(kind)
                worker.num_claims -= 1
                done[answer.number] = answer
            while sent and (first := next(iter(sent))) in done:
                yield sent.pop(first), done.pop(first)
        if failure:
            raise failure

    def _free(self) -> Worker | None:
        """The worker with fewest claims, unless it has enough."""
        least = min(self._workers, key=lambda worker: worker.num_claims)
        return least if least.num_claims < AHEAD else None

    def _speaking(self) -> Iterator[Worker]:
        speaking = wait([worker.pipe for worker in self._workers if worker.num_claims])
        return (worker for worker in self._workers if worker.pipe in speaking)


@contextmanager
def started_workers(setups: Sequence[Setup]) -> Iterator[Workers]:
    """Start a worker for each of these; they end with the context. Refused where they do not run alike."""
    workers: list[Worker] = []
    try:
        workers.extend(map(Worker, setups))
        ready = [worker.receive(Ready) for worker in workers]
        for one, other in itertools.pairwise(ready):
            if one != other:
                raise Refused(f"two workers of one machine run differently: {one.engine} and {other.engine}")
        yield Workers(workers, ready[0])
    finally:
        for worker in workers:
            worker.end()


def plan_setups(setup: Setup, cores: int, num_gpus: int) -> list[Setup]:
    """As many workers as there are cores, each with one thread: texts of its own cost a thread no waiting.

    On GPUs two for each, so that one tokenises while the other's passes run.
    """
    if not num_gpus:
        return [setup] * cores
    threads = max(1, cores // (2 * num_gpus))
    return [msgspec.structs.replace(setup, gpu_id=gpu, threads=threads) for gpu in range(num_gpus) for _ in range(2)]
