"""Sends generated requests through every door of a server of its own; exit code 1 if any got what nobody should."""

import argparse
import json
import sys

from bench.machine import describe_run
from berth.cli.bars import show_progress

from .models import EVERY, serving_every_target
from .run import Fuzzing, run
from .table import print_report


def main() -> int:
    options = _parser().parse_args()
    with serving_every_target() as server, show_progress() as progress:
        fuzzing = Fuzzing(
            server=server,
            targets=EVERY,
            seed=options.seed,
            number=options.requests,
            first=options.first,
            clients=options.workers,
        )
        report = run(fuzzing, progress.begin("sending", options.requests))
    print_report(report)
    facts = describe_run(f"python -m tests.fuzz --requests {options.requests} --seed {options.seed}")
    print(json.dumps({"schema_version": 1, **facts, "violations": len(report.violations)}))
    return 1 if report.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="others for another")
    parser.add_argument("--first", type=int, default=0, help="the number of the first, to send one of them again")
    parser.add_argument("--workers", type=int, default=8, help="clients that send at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
