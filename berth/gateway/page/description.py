"""The API's description, docs/openapi.json: made when it is first asked for, in a process of its own.

What that imports is half as large as the gateway. Whoever asks needs no key, so a failure is kept for a while too.
"""

import asyncio
import gzip
import sys
import time
from collections.abc import Sequence

from ..error_answer import ErrorAnswer

COMMAND = (sys.executable, "-P", "-m", "berth.openapi")
LIMIT_S = 60.0  # it takes one; a busy machine takes longer
AGAIN_S = 10.0


class Description:
    """Made once, whoever hangs up meanwhile."""

    def __init__(self, command: Sequence[str] = COMMAND, limit_s: float = LIMIT_S) -> None:
        """`command` writes it to stdout within `limit_s`, or is killed."""
        self._command = command
        self._limit_s = limit_s
        self._making: asyncio.Task[bytes] | None = None
        self._again_s = 0.0

    async def read(self) -> bytes:
        """Return it in gzip; ErrorAnswer where it cannot be made, which for AGAIN_S seconds nobody tries again."""
        if self._making is None or (_has_failed(self._making) and time.monotonic() >= self._again_s):
            self._making = asyncio.create_task(self._make())
        return await asyncio.shield(self._making)

    async def _make(self) -> bytes:
        try:
            async with asyncio.timeout(self._limit_s):
                return gzip.compress(await _output(self._command), mtime=0)
        except TimeoutError as error:
            late = f"the API's description was not made in {self._limit_s:g} s: ask again when the machine is less busy"
            raise ErrorAnswer(503, "NotReady", late) from error
        finally:
            self._again_s = time.monotonic() + AGAIN_S


async def _output(command: Sequence[str]) -> bytes:
    """What a command writes; ErrorAnswer where it fails. It is killed where nobody waits any more."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        written, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ErrorAnswer(500, "InternalError", "the API's description could not be made; the server's log says why")
    return written


def _has_failed(task: asyncio.Task[bytes]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
