"""Writes docs/clients-table.md: every client's calls. `-k WORD` runs only the clients with this in their name."""

import argparse
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from transformers.utils import logging as transformers_logging

from berth import __version__

from .call import Row
from .installing import install
from .place import PACKAGES
from .running import OURS, ROOT, clients, rows
from .servers import SERVERS, places

OUTPUT = ROOT / "docs" / "clients-table.md"
HEAD = """# What people's own clients get

Made by `make clients` on {date} of berth {berth}, Python {python}, with the real packages against `berth serve` with
small models and the sample on a CPU. *equal*: the client's numbers are the native door's for the same inputs, or differ
by no more than it says, 1e-06 at most. *refused*: the sentence that the client's user reads, shortened. The command
fails when a row is not as `tests/clients/calls` promises. URL is the inference address; the server has one model unless
the row says otherwise.

| client | version | call | result |
|---|---|---|---|
"""


def main() -> None:
    """Run every client; with -k only some, and then the page stays as it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients")
    parser.add_argument("-k", default="", metavar="WORD", help="run only clients with this in their name")
    word = parser.parse_args().k
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    python = install(PACKAGES)
    made = list(_rows([client for client in clients() if word in client], python))
    if not word:
        OUTPUT.write_text(_head() + "\n".join(row.to_markdown() for row in made) + "\n", "utf-8")
        print(OUTPUT)
    sys.exit("\n".join(f"{row.client}, {row.call}: {row.wrong}" for row in made if row.wrong) or 0)


def _rows(names: Sequence[str], python: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="berth-clients-") as work, places(Path(work), SERVERS) as at:
        for name in names:
            for row in rows(Path(sys.executable) if name in OURS else python, name, at):
                print(row.to_markdown(), f"WRONG: {row.wrong}" if row.wrong else "", file=sys.stderr, flush=True)
                yield row


def _head() -> str:
    return HEAD.format(date=datetime.now(UTC).date(), berth=__version__, python=platform.python_version())


if __name__ == "__main__":
    main()
