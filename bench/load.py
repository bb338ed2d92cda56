"""Load on a server over keep-alive HTTP: each client sends its next text when its last one is answered.

This closed loop is right for ratios of throughput, and blind to what waits outside it. It is one process and one
thread, cheap beside a forward pass; what it takes from the server's cores is measured with every run. Where one
process is not enough, `LoadPool` spreads the clients over several.
"""

import asyncio
import itertools
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from berth.errors import BerthError
from berth.tune.wire import format_head, format_request, parse_head

from .cpu import CpuReading, CpuShares, shares_between

PAUSE_S = 0.05  # between a refusal and the next request of a client that is patient
LAST_ANSWERS_S = 60.0  # for the requests that are still being computed when the time is over


def to_body(text: str) -> bytes:
    """The body of a request to berth's native door."""
    return json.dumps({"inputs": text}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """How one server is asked."""

    url: str
    """The full address of a model's predictions, http."""
    texts: Sequence[str]
    """What to send, in this order; from the start again when all have been sent."""
    clients: int
    warm_up_s: float
    duration_s: float
    """How long after the warm-up answers count."""
    to_body: Callable[[str], bytes] = to_body
    """What is sent for a text."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request."""
    is_patient: bool = False
    """Whether a client that is refused asks again, over a new connection."""
    keeps_bodies: bool = True
    """Whether exchanges have their answers' bodies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer."""

    text: str
    sent_s: float
    """Seconds since the start of the warm-up, as in `answered_s`."""
    answered_s: float
    status: int
    """The HTTP status; 0 when the connection broke."""
    body: bytes
    head: bytes = b""
    """The status line and the headers; kept with the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What came of one run."""

    exchanges: Sequence[Exchange]
    """The requests that were answered well in the measured time."""
    duration_s: float
    num_errors: int
    """Requests that got no 200, those of the warm-up included."""
    cpu: CpuShares


def apply_load(plan: LoadPlan) -> LoadResult:
    """Run the plan; BerthError when the server stops answering."""
    start = CpuReading.now()
    exchanges = asyncio.run(_run_clients(plan, start.wall_s))
    return select_measured(exchanges, plan, shares_between(start, CpuReading.now()))


def select_measured(exchanges: Sequence[Exchange], plan: LoadPlan, cpu: CpuShares) -> LoadResult:
    """The answers after the warm-up and before the end, while every client was busy: a steady state."""
    end_s = plan.warm_up_s + plan.duration_s
    good = [exchange for exchange in exchanges if exchange.status == 200]
    return LoadResult(
        exchanges=[exchange for exchange in good if plan.warm_up_s <= exchange.answered_s < end_s],
        duration_s=plan.duration_s,
        num_errors=len(exchanges) - len(good),
        cpu=cpu,
    )


async def _run_clients(plan: LoadPlan, started_s: float) -> list[Exchange]:
    texts = itertools.cycle(plan.texts)
    try:
        async with asyncio.timeout(plan.warm_up_s + plan.duration_s + LAST_ANSWERS_S):
            clients = [_run_client(plan, texts, started_s) for _ in range(plan.clients)]
            return list(itertools.chain.from_iterable(await asyncio.gather(*clients)))
    except TimeoutError as error:
        raise BerthError(
            f"{plan.url} has not answered all requests {LAST_ANSWERS_S:.0f} s after the last was sent"
        ) from error
    except OSError as error:
        raise BerthError(f"{plan.url} cannot be reached: {error}") from error


async def _run_client(plan: LoadPlan, texts: Iterator[str], started_s: float) -> list[Exchange]:
    """Ask over one connection until the time is over or something goes wrong."""
    exchanges: list[Exchange] = []
    address = urlsplit(plan.url)
    head = format_head(address.netloc, address.path, plan.headers)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    end_s = started_s + plan.warm_up_s + plan.duration_s
    while (sent_s := time.perf_counter()) < end_s:
        text = next(texts)
        writer.write(format_request(head, plan.to_body(text)))
        status, head_of_answer, body = await _read_answer(reader)
        exchanges.append(
            Exchange(
                text=text,
                sent_s=sent_s - started_s,
                answered_s=time.perf_counter() - started_s,
                status=status,
                body=body if plan.keeps_bodies else b"",
                head=head_of_answer if plan.keeps_bodies else b"",
            )
        )
        if status != 200:  # the server closes the connection
            writer.close()
            if not plan.is_patient:  # the run has failed
                break
            await asyncio.sleep(PAUSE_S)
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.close()
    return exchanges


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Read an answer's status, head and body; the status is 0 where the connection broke, or the answer is not HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        status, size_bytes = parse_head(head)
        return status, head, await (_read_chunks(reader) if size_bytes is None else reader.readexactly(size_bytes))
    except (OSError, EOFError, ValueError):
        return 0, b"", b""


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a body that comes in chunks, as one answer of a large batch does."""
    chunks: list[bytes] = []
    while not chunks or chunks[-1]:
        size_bytes = int(await reader.readuntil(b"\r\n"), 16)
        chunks.append((await reader.readexactly(size_bytes + 2))[:size_bytes])
    return b"".join(chunks)


class LoadPool:
    """Processes that share a plan's clients; a context manager."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        list(self._pool.map(abs, range(self._processes)))  # they are there before the first plan's warm-up
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()

    def apply(self, plan: LoadPlan) -> LoadResult:
        """Run the plan from several processes at once; BerthError as from apply_load."""
        return merge_results(list(self._pool.map(apply_load, split_plan(plan, self._processes))))


def split_plan(plan: LoadPlan, processes: int) -> list[LoadPlan]:
    """Plans for that many processes, or one for each client if there are fewer.

    Each begins at another text: a handler that finds equal texts in a batch would compute them once.
    """
    count = min(processes, plan.clients)
    starts = [len(plan.texts) * index // count for index in range(count)]
    return [
        replace(plan, clients=len(range(index, plan.clients, count)), texts=[*plan.texts[start:], *plan.texts[:start]])
        for index, start in enumerate(starts)
    ]


def merge_results(results: Sequence[LoadResult]) -> LoadResult:
    """What several processes saw at the same time."""
    return LoadResult(
        exchanges=list(itertools.chain.from_iterable(result.exchanges for result in results)),
        duration_s=results[0].duration_s,
        num_errors=sum(result.num_errors for result in results),
        cpu=CpuShares(
            client=sum(result.cpu.client for result in results), others=max(result.cpu.others for result in results)
        ),
    )
