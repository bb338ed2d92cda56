"""A handler with faults on request: it goes into an archive in place of berth's and runs in TorchServe's worker.

A request's body is a word, some with numbers. A number alone means: sleep so many seconds; "wait NAME": until
tests/support/faults.py lets it go. All are answered "ok" after their effect, but for "fail", which is answered 500.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

LEAK_BYTES = 64 * 2**20
BROKEN = Path(os.environ["TMPDIR"], "broken")  # keeps every worker of a server from loading


class BertHandler:
    """A handler that answers the deep check as berth's does."""

    def initialize(self, context: Any) -> None:
        """Load, or end at once after somebody said "loop"."""
        self._is_wrong = False
        self._held: list[bytes] = []
        if BROKEN.exists():
            os._exit(1)

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[str]:
        """One answer per request, in order."""
        return [self._answer(bytes(fields["body"]).decode(), context, place) for place, fields in enumerate(data)]

    def _answer(self, word: str, context: Any, place: int) -> str:
        if not word and self._is_wrong:
            context.set_response_status(503, "Service Unavailable", place)
            return json.dumps({"code": 503, "type": "NotHealthy", "message": "off by 1", "param": None})
        self._suffer(word, context, place)
        return json.dumps({"status": "ok"})

    def _suffer(self, word: str, context: Any, place: int) -> None:
        match word:
            case "":
                """The deep check."""
            case "wrong":
                self._is_wrong = True
            case "loop":
                BROKEN.touch()
                os._exit(1)
            case "leak":
                self._held.append(b"x" * LEAK_BYTES)
            case "poison":
                # The frontend kills the worker for it, and where a gRPC request was answered before it in the same
                # batch, the thread that would start another ends as well.
                context.set_response_header(place, "x-poison", "a\nb")
            case "fail":
                context.set_response_status(500, "Internal Server Error", place)
            case _ if word.startswith("wait "):
                print(f"{word}: begun", flush=True)
                while not Path(os.environ["TMPDIR"], word).exists():
                    _work(0.01)
            case _ if word.startswith("work "):
                _work(float(word.split()[1]))
            case _ if word.startswith("hold "):
                _, mib, seconds = word.split()
                held = b"x" * (int(mib) * 2**20)
                _work(float(seconds))
                del held
            case _:
                print("sleeps", word, flush=True)
                time.sleep(float(word))


def _work(seconds: float) -> None:
    """Use the processor: a worker that only waits while a request does would be taken for one that hangs."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        time.sleep(0.005)
        sum(range(10_000))
