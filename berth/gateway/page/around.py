"""Who else knows something of the models: TorchServe's management and metrics, and the launcher."""

import asyncio
from contextlib import suppress

import aiohttp
import msgspec

from ..settings import GatewaySettings

ASK_S = 5.0  # a describe on GPUs runs nvidia-smi once for each worker


class Worker(msgspec.Struct, frozen=True):
    """A worker, as TorchServe sees it."""

    id: str
    status: str
    pid: int


class Queue(msgspec.Struct, frozen=True, rename="camel"):
    """A model's queue at TorchServe."""

    pending_requests: int


class Described(msgspec.Struct, frozen=True, rename="camel"):
    """All that is read of a describe."""

    workers: list[Worker]
    job_queue_status: Queue
    customized_metadata: dict[str, object] | None = None


class Capacity(msgspec.Struct, frozen=True):
    """All that is read of the launcher's /capacity."""

    max_workers: int
    reason: str
    budget_bytes: int = 0
    granted_bytes: int = 0


class Around:
    """Asks them; each answer is None where there is none in time, for a page shows what else is known."""

    def __init__(self, settings: GatewaySettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session

    async def describe(self, model: str, *, by_handler: bool = False) -> Described | None:
        """The workers and the queue of NAME/VERSION; `by_handler`: and what its handler says of itself, in its turn."""
        url = f"{self._settings.management}/models/{model}{'?customized=true' * by_handler}"
        found = await self._get(url)
        with suppress(msgspec.ValidationError, ValueError):
            return msgspec.json.decode(found, type=list[Described])[0] if found else None
        return None

    async def capacity(self) -> Capacity | None:
        """How many workers each model may have, and how much memory was counted."""
        found = await self._get(f"{self._settings.health}/capacity")
        with suppress(msgspec.ValidationError):  # the launcher is starting
            return msgspec.json.decode(found, type=Capacity) if found else None
        return None

    async def metrics(self) -> str:
        """The models' numbers and the front's, as Prometheus reads them; "" for what does not answer."""
        urls = (f"{self._settings.metrics}/metrics", f"{self._settings.health}/metrics")
        return "\n".join((found or b"").decode() for found in await asyncio.gather(*map(self._get, urls)))

    async def scale(self, model: str, workers: int) -> bool:
        """Ask TorchServe for this many workers of NAME/VERSION; whether it took the order."""
        url = f"{self._settings.management}/models/{model}?min_worker={workers}&max_worker={workers}"
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.put(url, timeout=aiohttp.ClientTimeout(total=ASK_S)) as answer:
                return answer.ok
        return False

    async def _get(self, url: str) -> bytes | None:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=ASK_S)) as answer:
                return await answer.read() if answer.ok else None
        return None
