"""What each version of a model is; how the server is now: workers, requests, memory, how long requests took."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..readiness import Readiness
from ..settings import GatewaySettings
from .around import Around, Described
from .prometheus import Buckets, read_buckets, read_sums, read_total

KEPT_S = 1.0
OF_FRONT, OF_WORKERS = ("request", "berth_front_request_seconds"), ("batch", "berth_request_seconds")
"""What was timed, and the histogram of it. The front's buckets begin at 1 ms, the workers', TorchServe's own, at 5."""
UNDER_WAY = "berth_front_requests"
WAITING = "berth_front_waiting"
USED = "berth_memory_used_bytes"


class LiveState:
    """One object that all pages which ask within a second get."""

    def __init__(self, settings: GatewaySettings, around: Around, readiness: Readiness) -> None:
        self._contents = settings.contents
        self._seconds_of, self._histogram = OF_FRONT if settings.has_front else OF_WORKERS
        self._around = around
        self._readiness = readiness
        self._asking = asyncio.Lock()
        self._asked_s = -KEPT_S
        self._state: dict[str, object] = {}

    async def read(self) -> dict[str, object]:
        """The server, and each model by its NAME/VERSION."""
        async with self._asking:
            if time.monotonic() - self._asked_s >= KEPT_S:
                self._state = await self._ask()
                self._asked_s = time.monotonic()
            return self._state

    async def _ask(self) -> dict[str, object]:
        (why_not, capacity, metrics), described = await asyncio.gather(
            asyncio.gather(self._readiness.why_not(), self._around.capacity(), self._around.metrics()),
            asyncio.gather(*map(self._around.describe, self._contents)),
        )
        numbers = _Numbers(
            under_way=read_sums(metrics, UNDER_WAY),
            waiting=read_sums(metrics, WAITING),
            seconds=read_buckets(metrics, self._histogram),
        )
        return {
            "why_not_ready": why_not,
            "max_workers": capacity and capacity.max_workers,
            "why_no_more": capacity and capacity.reason,
            "memory": {
                "used_bytes": read_total(metrics, USED),
                "budget_bytes": capacity and capacity.budget_bytes,
                "granted_bytes": capacity and capacity.granted_bytes,
            },
            "contents": self._contents,
            "seconds_of": self._seconds_of,
            "models": {
                model: None if each is None else _describe(model, each, numbers)
                for model, each in zip(self._contents, described, strict=True)
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """What was scraped of all models, by their NAME/VERSION."""

    under_way: Mapping[str, float]
    waiting: Mapping[str, float]
    seconds: Mapping[str, Buckets]


def _describe(model: str, described: Described, numbers: _Numbers) -> dict[str, object]:
    return {
        "workers": [{"id": worker.id, "status": worker.status} for worker in described.workers],
        "under_way": numbers.under_way.get(model),
        "waiting": described.job_queue_status.pending_requests + numbers.waiting.get(model, 0),
        "seconds": numbers.seconds.get(model, []),
    }


class Facts:
    """What does not change while a gateway runs: asked of each model's handler once, in its turn."""

    def __init__(self, settings: GatewaySettings, around: Around) -> None:
        self._settings = settings
        self._around = around
        self._known: dict[str, dict[str, object]] = {}

    async def read(self) -> list[dict[str, object]]:
        """Each version of each model: its content, and what its handler says; None where it does not say it now."""
        return list(await asyncio.gather(*map(self._read, self._settings.contents)))

    async def _read(self, model: str) -> dict[str, object]:
        with suppress(KeyError):
            return self._known[model]
        described = await self._around.describe(model, by_handler=True)
        facts = described.customized_metadata if described else None
        name, _, version = model.partition("/")
        card: dict[str, object] = {
            "name": name,
            "version": version,
            "is_default": version == self._settings.version_of(name),
            "content": self._settings.contents[model],
            "handler": facts,
        }
        if facts:
            self._known[model] = card
        return card
