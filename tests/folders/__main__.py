"""Writes docs/folders.md: every kind of folder, packed and compared, or refused. `-k WORD` tries a few only."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
import transformers
from transformers.utils import logging as transformers_logging

from .kind import Kind
from .kinds import every_kind
from .row import Row, make_row

OUTPUT = Path(__file__).parents[2] / "docs" / "folders.md"
HEAD = """# What people bring, and what becomes of it

Made by `make folders` on {date}, on {processor}, torch {torch} on a CPU, transformers {transformers}. Each row is a
kind of folder, small and seeded, made by the library that people make it with (`tests/folders/kinds`), and given to
`berth pack`. *served*: the engine, and the largest difference of any number from what the original library answers to
the same texts. *refused*: the sentence, shortened. Seconds are those of the whole command. The last column says whether
torch was imported, which alone takes seconds: what files alone can tell is said without it. The command fails when a
row is not as its kind promises, or when anything ends in a traceback.

| kind of folder | what becomes of it | exit code | seconds | torch |
|---|---|---|---|---|
"""


def main() -> None:
    """Try every kind; with -k only some, and then the page stays as it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.folders")
    parser.add_argument("-k", default="", metavar="WORD", help="try only kinds with this in their name")
    word = parser.parse_args().k
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    rows = list(_rows([kind for kind in every_kind() if word in kind.name]))
    if not word:
        OUTPUT.write_text(_head() + "\n".join(row.to_markdown() for row in rows) + "\n", "utf-8")
        print(OUTPUT)
    sys.exit("\n".join(f"{row.name}: {row.wrong}" for row in rows if row.wrong) or 0)


def _rows(kinds: Sequence[Kind]) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="berth-folders-") as work:
        for number, kind in enumerate(kinds):
            row = make_row(kind, Path(work, str(number)))
            print(row.to_markdown(), f"WRONG: {row.wrong}" if row.wrong else "", file=sys.stderr, flush=True)
            yield row


def _head() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "this CPU")
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    return HEAD.format(date=datetime.now(UTC).date(), processor=processor, **versions)


if __name__ == "__main__":
    main()
