"""The REST client for asyncio: the same client, asked from threads of its own. It has no transport of its own."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from .messages import Input, Model, Parameters, Results
from .rest_client import EXPLANATIONS, PREDICTIONS, Kind, RestClient, warned

MAX_REQUESTS = 32  # half of what a worker takes at once


class AsyncRestClient:
    """A server's inference address, asked by any number of tasks at once."""

    def __init__(
        self,
        url: str | None = None,
        *,
        max_requests: int = MAX_REQUESTS,
        timeout_s: float | None = None,
        api_key: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        """As of RestClient, and `max_requests`: how many calls are under way at once, others wait."""
        self._client = RestClient(url, max_kept=max_requests, timeout_s=timeout_s, api_key=api_key, ca_file=ca_file)
        self._threads = ThreadPoolExecutor(max_requests, thread_name_prefix="berth-client")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let calls that are under way end, drop those that wait, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        self._client.close()

    async def predict(
        self, inputs: Sequence[Input], parameters: Parameters | None = None, *, model: Model = None
    ) -> Results:
        """As RestClient.predict. A task that is cancelled goes on at once; the server still answers its request."""
        return warned(await self._ask(PREDICTIONS, inputs, parameters, model))

    async def explain(
        self, inputs: Sequence[Input], parameters: Parameters | None = None, *, model: Model = None
    ) -> Results:
        """As RestClient.explain."""
        return warned(await self._ask(EXPLANATIONS, inputs, parameters, model))

    async def _ask(self, kind: Kind, inputs: Sequence[Input], parameters: Parameters | None, model: Model) -> Results:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._client.ask, kind, inputs, parameters, model)
