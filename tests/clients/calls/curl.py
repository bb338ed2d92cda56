"""curl, as people type it."""

import gzip
import json
import re
import shlex
import subprocess
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


def _curl(options: str, path: str = "/predictions/{model}", body: bytes | None = None) -> Callable[[Place], Any]:
    """Runs `curl OPTIONS URL`; what it answers with an error status is raised, and a body goes in by stdin."""

    def ask(place: Place) -> Any:
        url = place.url + path.format(model=place.model)
        command = ["curl", "-sS", "--max-time", "60", "-w", "\\n%{http_code}", *shlex.split(options), url]
        ran = subprocess.run(command, input=body, capture_output=True, check=False)
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
    Call(name=f"--json '{BODY[:24]}...'", ask=_curl("--json @-", body=BODY.encode()), expected=_three),
    Call(
        name="-H 'content-type: application/json' -d",
        ask=_curl("-H 'content-type: application/json' -d @-", body=BODY.encode()),
        expected=_three,
    ),
    Call(
        name="-H 'content-type: text/plain' -d", ask=_curl(f"-H 'content-type: text/plain' -d '{TEXT}'"), expected=_one
    ),
    Call(name="-d 'data=TEXT'", ask=_curl(f"-d 'data={TEXT}'"), expected=_one),
    Call(name="-d TEXT, which curl calls a form", ask=_curl(f"-d '{TEXT}'"), refused="content-type"),
    Call(name="-F 'data=TEXT'", ask=_curl(f"-F 'data={TEXT}'"), expected=_one),
    Call(name="-T FILE, TorchServe's way", ask=_curl("-X POST -T -", body=TEXT.encode()), expected=_one),
    Call(name="-T FILE of JSON", ask=_curl("-X POST -T -", body=BODY.encode()), refused="content-type"),
    Call(
        name="a gzip body, -H 'content-encoding: gzip'",
        ask=_curl(
            "-H 'content-type: application/json' -H 'content-encoding: gzip' --data-binary @-",
            body=gzip.compress(BODY.encode()),
        ),
        expected=_three,
    ),
    Call(name="--compressed", ask=_curl("--compressed --json @-", body=BODY.encode()), expected=_three),
    Call(name="-X POST without a body", ask=_curl("-X POST"), refused="422|400"),
    Call(name="-X POST '...?data=hello'", ask=_curl("-X POST", "/predictions/{model}?data=hello"), refused="422|400"),
    Call(
        name="the deep check, URL/predictions/MODEL/VERSION/check",
        ask=lambda place: _curl("", "/predictions/{model}/1.0/check")(place)["status"],
        expected=lambda _: "ok",
    ),
    Call(
        name="an unknown model",
        ask=_curl("--json @-", "/predictions/unknown", body=BODY.encode()),
        refused="404.*unknown|404.*Model not found",
    ),
    Call(name="a PUT", ask=_curl("-X PUT --json @-", body=BODY.encode()), refused="405"),
    Call(
        name='TorchServe\'s v1 form, {"instances": [{"data": TEXT}]}',
        ask=lambda place: _curl(
            "--json @-", "/v1/models/{model}:predict", json.dumps({"instances": [{"data": TEXT}]}).encode()
        )(place)["predictions"][0],
        expected=_one,
    ),
    Call(
        name="2 MB of JSON",
        ask=_curl("--json @-", body=LARGE),
        refused="^413 .*(1048576|1 MiB|bytes)",
    ),
    Call(
        name="2 MB in chunks",
        ask=_curl("-H 'transfer-encoding: chunked' --json @-", body=LARGE),
        refused="^413 .+",
    ),
    Call(
        name="--http2-prior-knowledge",
        ask=_curl("--http2-prior-knowledge --json @-", body=BODY.encode()),
        expected=_three,
    ),
]
