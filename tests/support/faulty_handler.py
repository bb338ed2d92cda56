"""A handler whose faults are asked for: it goes into an archive in place of berth's and runs in TorchServe's worker.

A request's body is one word. A number is slept, seconds. Any other answers "ok" after it has had its effect.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

BROKEN = Path(os.environ["TMPDIR"], "broken")  # whether it loads: one file for all workers of a server


class BertHandler:
    """Answers the deep check like berth's."""

    def initialize(self, context: Any) -> None:
        """Ends at once after somebody said "loop"."""
        self._is_wrong = False
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
            case "poison":
                # The frontend kills the worker for it, and where a gRPC request was answered before it in the same
                # batch, the thread that would start another ends as well.
                context.set_response_header(place, "x-poison", "a\nb")
            case _:
                print("sleeps", word, flush=True)
                time.sleep(float(word))
