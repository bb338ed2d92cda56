"""HAProxy's output, and in it the access log: one JSON object for each request. No query, no text, no key."""

import contextlib
import fcntl
import re
from collections.abc import Iterator, Sequence
from typing import TextIO

from ...console import pass_on_bytes
from ...process.line_pipe import line_pipe
from ..plan import Backend

MAX_LINE_BYTES = 2048
MAX_TEXT_BYTES = 200  # of a client's own words: a longer line would be cut, and be no JSON
PIPE_BYTES = 2**20  # the most that Linux lets everybody have: some 3000 lines, and HAProxy drops what finds no room
PART_ENDED = re.compile(rb"\[WARNING\] +\(\d+\) : Proxy \S+ stopped \(cumulated conns: .*\)\.\n")
FIELDS = {
    "time": '"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"',
    "level": '"info"',
    "source": '"front"',
    "id": "txn.request_id",
    "traceparent": "txn.traceparent",
    "key": "txn.key",
    "model": "txn.model_name",
    "version": "txn.version",
    "method": '"%HM"',
    "path": "txn.path",
    "status": "%ST",
    "ms": "%Ta",
    "tokens": "%[var(txn.tokens,0)]",
    "bytes": "%B",
    "refusal": "txn.refusal",
}


def log_lines(backends: Sequence[Backend]) -> Iterator[str]:
    """Write how a frontend logs each request; what is not known is "-"."""
    members = ",".join(f'"{name}":{_written(source)}' for name, source in FIELDS.items())
    line = f"{{{members}}}".replace("\\", "\\\\").replace('"', '\\"')
    yield f"    log stdout len {MAX_LINE_BYTES} format raw local0 info"
    yield f'    log-format "{line}"'
    yield "    option dontlognull"
    yield f"    http-request set-var(txn.path) path,bytes(0,{MAX_TEXT_BYTES})"
    yield "    http-response set-var(txn.tokens) res.hdr(x-compute-tokens),add(0)"
    for backend in backends:
        when = f"{{ var(txn.to) -m str {backend.name} }}"
        yield f"    http-request set-var(txn.model_name) str({backend.model.name}) if {when}"
        yield f"    http-request set-var(txn.version) str({backend.model.version}) if {when}"


@contextlib.contextmanager
def forwarded() -> Iterator[TextIO]:
    """Yield a file for HAProxy's output, which goes on to stderr: it would make stderr itself non-blocking for all.

    Its lines for each part of the configuration that ends are left out: fronts come and go with every rollout.
    """
    with line_pipe("front-output", _pass_on) as output:
        with contextlib.suppress(OSError):  # a system may grant less: fs.pipe-max-size, fs.pipe-user-pages-soft
            fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        yield output


def _pass_on(line: bytes) -> None:
    if not PART_ENDED.fullmatch(line):
        pass_on_bytes(line)


def _written(source: str) -> str:
    if source.startswith("txn."):
        return f'"%[var({source}),bytes(0,{MAX_TEXT_BYTES}),json(utf8s)]"'
    return source
