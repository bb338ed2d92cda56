"""Dynamic batches for a server that has none: what waits while a batch is computed is the next batch."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Vector = list[float]


class Batcher:
    """One thread that computes; nobody waits for others to come."""

    def __init__(self, encode: Callable[[list[str]], list[Vector]], most: int) -> None:
        self._encode, self._most = encode, most
        self._waiting: deque[tuple[str, asyncio.Future[Vector]]] = deque()
        self._thread = ThreadPoolExecutor(1)
        self._task: asyncio.Task[None] | None = None

    async def ask(self, text: str) -> Vector:
        """The text's vector; whatever `encode` raises for its batch."""
        answer: asyncio.Future[Vector] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            await self._answer(batch)

    async def _answer(self, batch: list[tuple[str, asyncio.Future[Vector]]]) -> None:
        texts = [text for text, _ in batch]
        try:
            vectors = await asyncio.get_running_loop().run_in_executor(self._thread, self._encode, texts)
        except Exception as error:  # noqa: BLE001 - each client hears of it
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), vector in zip(batch, vectors, strict=True):
            answer.set_result(vector)
