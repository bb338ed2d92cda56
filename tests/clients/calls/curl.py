"""curl, as people type it."""

import gzip
import json
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "curl"
TEXT = TEXTS[0]
BODY = json.dumps({"inputs": TEXTS})
LARGE = json.dumps({"inputs": "x " * 10**6}).encode()


def version() -> str:
    """Of the command."""
    said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[1]


def _curl(options: str, path: str = "/predictions/{model}", body: bytes = b"") -> Callable[[Place], Any]:
    """Runs `curl OPTIONS URL`, in which FILE is a file with the body; what has an error status is raised."""

    def ask(place: Place) -> Any:
        url = place.url + path.format(model=place.model)
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            typed = shlex.split(options.replace("FILE", file.name))
            command = ["curl", "-sS", "--max-time", "60", "-w", "\\n%{http_code}", *typed, url]
            ran = subprocess.run(command, capture_output=True, check=False)
        said, _, status = ran.stdout.decode().rpartition("\n")
        if not re.fullmatch("200", status):
            raise RuntimeError(f"{status} {said}{ran.stderr.decode()}")
        return json.loads(said)

    return ask


def _one(place: Place) -> Any:
    return place.native(TEXT)


def _three(place: Place) -> Any:
    return place.native(TEXTS)


CALLS = [
    Call(name=f"--json '{BODY[:24]}...'", ask=_curl("--json @FILE", body=BODY.encode()), expected=_three),
    Call(
        name="-H 'content-type: application/json' -d",
        ask=_curl("-H 'content-type: application/json' -d @FILE", body=BODY.encode()),
        expected=_three,
    ),
    Call(
        name="-H 'content-type: text/plain' -d", ask=_curl(f"-H 'content-type: text/plain' -d '{TEXT}'"), expected=_one
    ),
    Call(name="-d 'data=TEXT'", ask=_curl(f"-d 'data={TEXT}'"), expected=_one),
    Call(name="-d TEXT, which curl calls a form", ask=_curl(f"-d '{TEXT}'"), refused="content-type"),
    Call(name="-F 'data=TEXT'", ask=_curl(f"-F 'data={TEXT}'"), expected=_one),
    Call(name="-T FILE, a text, TorchServe's way", ask=_curl("-T FILE", body=TEXT.encode()), expected=_one),
    Call(name="-T FILE, JSON", ask=_curl("-T FILE", body=BODY.encode()), expected=_three),
    Call(
        name="a gzip body, -H 'content-encoding: gzip'",
        ask=_curl(
            "-H 'content-type: application/json' -H 'content-encoding: gzip' --data-binary @FILE",
            body=gzip.compress(BODY.encode()),
        ),
        expected=_three,
    ),
    Call(name="--compressed", ask=_curl("--compressed --json @FILE", body=BODY.encode()), expected=_three),
    Call(name="-X POST without a body", ask=_curl("-X POST"), refused="422|400"),
    Call(name="-X POST '...?data=hello'", ask=_curl("-X POST", "/predictions/{model}?data=hello"), refused="422|400"),
    Call(
        name="the deep check, URL/predictions/MODEL/VERSION/check",
        ask=lambda place: _curl("", "/predictions/{model}/1.0/check")(place)["status"],
        expected=lambda _: "ok",
    ),
    Call(
        name="an unknown model",
        ask=_curl("--json @FILE", "/predictions/unknown", body=BODY.encode()),
        refused="404.*unknown|404.*Model not found",
    ),
    Call(
        name='TorchServe\'s v1 form, {"instances": [{"data": TEXT}]}',
        ask=lambda place: _curl(
            "--json @FILE", "/v1/models/{model}:predict", json.dumps({"instances": [{"data": TEXT}]}).encode()
        )(place)["predictions"][0],
        expected=_one,
    ),
    Call(
        name="2 MB of JSON",
        ask=_curl("--json @FILE", body=LARGE),
        refused="^413 .*(1048576|1 MiB|bytes)",
    ),
    Call(
        name="2 MB in chunks",
        ask=_curl("-H 'transfer-encoding: chunked' --json @FILE", body=LARGE),
        refused="^413 .+",
    ),
    Call(
        name="--http2-prior-knowledge",
        ask=_curl("--http2-prior-knowledge --json @FILE", body=BODY.encode()),
        expected=_three,
    ),
]
