"""The examples of other people's clients in docs/clients.md, as they stand."""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.clients.call import Call
from tests.clients.place import NODE, Place

CLIENT = "docs/clients.md"
PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
EXAMPLE = re.compile(r"^### (.+)\n\n((?:(?:    .*)?\n)+)", re.MULTILINE)
RANKER = "my-ranker"
FOR_NODE = " from '"  # how JavaScript imports, with the quotes of the page


def version() -> str:
    """The page's own; its packages have theirs in their rows."""
    return ""


def _run(example: str) -> Callable[[Place], str]:
    """Runs it where the server has its ports and its model's name."""

    def run(place: Place) -> str:
        program = "".join(line[4:] or "\n" for line in example.splitlines(keepends=True))
        program = program.replace("http://127.0.0.1:8080", place.url).replace("127.0.0.1:7070", place.grpc)
        return _start(program.replace(RANKER, place.model))

    return run


def _start(program: str) -> str:
    is_node = FOR_NODE in program
    command = ["node", "--input-type=module", "-e"] if is_node else [sys.executable, "-c"]
    folder = NODE if is_node else None
    ran = subprocess.run([*command, program], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if ran.returncode:
        raise RuntimeError(ran.stderr[-500:])
    return "it printed something" if ran.stdout else "it printed nothing"


def _is_here(example: str) -> bool:
    """Whether the packages that it imports are installed, with what they need."""
    if FOR_NODE in example:
        return NODE.is_dir()
    packages = re.findall(r"^    (?:from|import) (\w+)", example, re.MULTILINE)
    return all(map(_can_be_imported, packages))


def _can_be_imported(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


CALLS = [
    Call(
        name=name,
        ask=_run(example),
        expected=lambda _: "it printed something",
        at="ranker" if RANKER in example else "one",
    )
    for name, example in EXAMPLE.findall(PAGE.read_text("utf-8"))
    if _is_here(example)
]
