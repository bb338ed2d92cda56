"""Archives of one model, each of which answers with its own version."""

from pathlib import Path

from ..standin import make_standin

SAYS_ITS_VERSION = """
import json

class BertHandler:
    def initialize(self, context):
        self._version = context.manifest["model"]["modelVersion"]

    def handle(self, data, context):
        return [self._answer(bytes(fields.get("body", fields.get("data", b""))), context, place)
                for place, fields in enumerate(data)]

    def _answer(self, body, context, place):
        if not body:
            return json.dumps({"status": "ok"})
        inputs = json.loads(body)["inputs"] if body.startswith(b"{") else body.decode()
        result = {"label": self._version, "score": 0.75}
        return json.dumps([result for _ in inputs] if isinstance(inputs, list) else result)
"""
FAILS = """
        if b"fail" in body:
            context.set_response_status(500, "Internal Server Error", place)
"""
FAILS_WHEN_ASKED = SAYS_ITS_VERSION.replace("\n        inputs =", f"{FAILS}        inputs =")
"""Gives 500 for a text with the word fail; it passes every other look."""


def make_version(folder: Path, version: str, source: str = SAYS_ITS_VERSION, name: str = "bert") -> Path:
    """NAME.mar in a folder of its own."""
    return make_standin(folder / f"{name}-{version}", source, name, version)
