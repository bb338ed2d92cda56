"""Runs the drills that are named, all without a name, and prints what each found; exit code 1 if one failed."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.machine import describe_run

from .registry import DRILLS


def main() -> int:
    names = _parser().parse_args().names or list(DRILLS)
    failures = []
    for name in names:
        print(f"\n== {name}: {DRILLS[name].title}", flush=True)
        with tempfile.TemporaryDirectory(prefix="bd-") as folder:
            for line in DRILLS[name].run(Path(folder)):
                print(line, flush=True)
                failures += [f"{name}: {line}"] * line.startswith("FAILED")
    print("\n" + json.dumps({"schema_version": 1, **describe_run(f"python -m tests.drills {' '.join(names)}")}))
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*DRILLS, []], help=f"of {', '.join(DRILLS)}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
