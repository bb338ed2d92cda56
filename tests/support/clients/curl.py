"""The native door, asked with curl."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from .answers import ANSWER_TIMEOUT_S, Answer, Model, bare_error
from .rest import NATIVE, with_parameters

# The body goes to stdout; the rest, which curl knows when the answer has ended, to stderr.
FACTS = '%{stderr}{"status": %{http_code}, "headers": %{header_json}}'
OPTIONS = ["-sS", "--noproxy", "*", "--max-time", f"{ANSWER_TIMEOUT_S:.0f}", "-w", FACTS]


def ask_by_curl(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """POST /predictions/{model}."""
    body = json.dumps(with_parameters({"inputs": inputs}, parameters)).encode()
    return run_curl(NATIVE.url(model), body, "-H", "content-type: application/json")


def run_curl(url: str, body: bytes | None, *options: str) -> Answer:
    """Send a body with curl, with these further options; None: they say what is sent."""
    data = [] if body is None else ["--data-binary", "@-"]
    ran = subprocess.run(["curl", *OPTIONS, *data, *options, url], input=body, capture_output=True, check=True)
    facts, value = json.loads(ran.stderr), json.loads(ran.stdout)
    headers = {name: values[-1] for name, values in facts["headers"].items()}
    if facts["status"] == 200:
        return Answer(status=200, results=value, headers=headers)
    error = bare_error(value)
    assert error["code"] == facts["status"]
    return Answer(status=facts["status"], error=error, headers=headers)
