"""Mixed load on one server for any time: memory and latency of each minute, and whether they are flat.

Exit code 1 where one grows, or a request ends otherwise than it should.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.machine import describe_run
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.support.checkpoints import make_checkpoint
from tests.support.servers import running_server

from ..served.models import pack_sample
from ..table import table, verdict
from . import rule
from .load import Span, soak
from .mix import MODELS

MINUTE_S = 60.0


def main() -> int:
    minutes = _parser().parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="bd-") as folder, running_server(_pack(Path(folder))) as server:
        spans = soak(server, minutes, MINUTE_S)
    lines = list(report(spans))
    print("\n".join(lines))
    facts = describe_run(f"python -m tests.drills.soak --minutes {minutes}")
    print("\n" + json.dumps({"schema_version": 1, **facts}))
    return 1 if any(line.startswith("FAILED") for line in lines) else 0


def report(spans: Sequence[Span]) -> Iterator[str]:
    """The curve, a line for each span, and what the rule says of it."""
    names = list(spans[0].mib)
    header = ("minute", "sent", "otherwise", "p50 ms", "p99 ms", *(f"{name} MiB" for name in names))
    yield from table(header, [_row(number, span) for number, span in enumerate(spans, 1)])
    wrong = sum((Counter(span.wrong) for span in spans), Counter[str]())
    total = sum(span.sent for span in spans)
    yield verdict(
        not wrong, f"{total} sent, {wrong.total()} ended otherwise than they should {dict(wrong) or ''}".rstrip()
    )
    for name in names:
        yield _flat(f"memory of {name}", rule.MEMORY, [span.mib[name] for span in spans], "MiB")
    yield _flat("p50", rule.MEDIAN, [span.p50_ms for span in spans], "ms")
    yield _flat("p99", rule.TAIL, [span.p99_ms for span in spans], "ms")


def _row(number: int, span: Span) -> tuple[object, ...]:
    figures = (f"{span.p50_ms:.0f}", f"{span.p99_ms:.0f}", *(f"{mib:.0f}" for mib in span.mib.values()))
    return number, span.sent, sum(span.wrong.values()), *figures


def _flat(what: str, allowed: rule.Rule, values: Sequence[float], unit: str) -> str:
    first, last = rule.thirds(values)
    room = f"{allowed.share:.0%} or {allowed.allowed:g} {unit}"
    return verdict(allowed.is_flat(values), f"{what} is flat: {first:.0f} {unit}, then {last:.0f}; {room} more may be")


def _pack(folder: Path) -> list[Path]:
    packed = [
        pack_checkpoint(make_checkpoint(folder / task, name, task), PackOptions(task=task, output=folder)).archive
        for task, name in MODELS.items()
    ]
    return [pack_sample(folder), *packed]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60, help="how long; 5 or more say something")
    return parser


if __name__ == "__main__":
    sys.exit(main())
