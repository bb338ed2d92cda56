"""Whether a request sent now would be answered: the launcher knows, and is asked at most once a second."""

import asyncio
import json
import time

import aiohttp

KEPT_S = 1.0
ASK_S = 4.0  # as the probes have it


class Readiness:
    """The launcher's answer to /ready."""

    def __init__(self, session: aiohttp.ClientSession, health: str) -> None:
        self._session = session
        self._url = f"{health}/ready"
        self._asking = asyncio.Lock()
        self._asked_s = -KEPT_S
        self._reason: str | None = None

    async def why_not(self) -> str | None:
        """Why no request would be answered, in words; None where it would."""
        async with self._asking:
            if time.monotonic() - self._asked_s >= KEPT_S:
                self._reason = await self._ask()
                self._asked_s = time.monotonic()
            return self._reason

    async def _ask(self) -> str | None:
        try:
            async with self._session.get(self._url, timeout=aiohttp.ClientTimeout(total=ASK_S)) as answer:
                if answer.ok:
                    return None
                return str(json.loads(await answer.read())["reason"])
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError):
            return "the launcher does not answer"
