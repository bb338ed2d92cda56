"""The house stays tidy: imports run one way, files and functions stay small, `berth --help` loads nothing heavy."""

import ast
import graphlib
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HANDLER = sorted(ROOT.glob("handler/**/*.py"))
BERTH = sorted(ROOT.glob("berth/**/*.py"))
BENCH = sorted(ROOT.glob("bench/**/*.py"))
SOURCES = [*HANDLER, *BERTH, *BENCH]
TESTS = sorted(ROOT.glob("tests/**/*.py"))
ALL_FILES = [*SOURCES, *TESTS]
SHARED_WITH_BERTH = {
    "handler",
    "handler.candidates",
    "handler.errors",
    "handler.config",
    "handler.doors",
    "handler.precision",
    "handler.sizes",
    "handler.spans",
    "handler.vectors",
}
FORKED = {"handler.choose_engine", "handler.worker"}  # what the fork server imports beforehand
# A room may use the files at the top of berth/, which know no room, and the rooms that stand behind its name here.
ROOMS: dict[str, set[str]] = {
    "archive": set(),
    "clients": set(),
    "machine": set(),
    "process": set(),
    "workers": set(),
    "openapi": set(),
    "layouts": set(),
    "sources": {"archive", "layouts"},
    "convert": {"layouts", "sources", "workers"},
    "pack": {"archive", "convert", "layouts", "machine", "sources", "workers"},
    "memory": {"archive", "machine"},
    "inspection": {"archive", "machine", "memory", "pack", "sources"},
    "bulk": {"archive", "clients", "machine", "memory", "workers"},
    "health": {"archive", "clients", "process"},
    "gateway": {"clients"},
    "front": {"archive", "gateway", "process"},
    "monitoring": {"archive", "health", "machine", "memory", "process"},
    "rollout": {"archive", "clients", "process"},
    "tune": {"archive", "clients", "front", "machine", "memory", "process"},
    "serve": {"archive", "clients", "front", "health", "machine", "memory", "monitoring", "process", "rollout", "tune"}
    | {"workers"},
    "cli": {
        "archive",
        "bulk",
        "clients",
        "health",
        "inspection",
        "machine",
        "memory",
        "pack",
        "process",
        "serve",
        "sources",
    }
    | {"rollout", "tune", "workers"},
}
MOST_MODULES = 15
# Each may import those before it: a file at the top of handler/, or a whole room.
LAYERS = [
    {"errors", "precision"},
    {"candidates", "spans", "vectors"},
    {"config", "wire"},
    {"inputs", "sizes"},
    {"parameters"},
    {"contract"},
    {"payload"},
    {"worker"},
    {"text"},
    {"tasks"},
    {"doors", "known_answers", "engine"},
    {"explain", "admission"},
    {"pipeline"},
    {"choose_engine"},
    {"bert_handler", "bulk"},
]


def imported_modules(path: Path) -> Iterator[str]:
    """Absolute names of what a file imports from this project."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", HANDLER, ids=module_name)
def test_handler_imports_run_one_way(path: Path) -> None:
    used = set(imported_modules(path))
    assert not any(module.split(".")[0] == "berth" for module in used)
    if path == ROOT / "handler" / "__init__.py":
        return
    name = module_name(path).split(".")[1]
    level = next(index for index, layer in enumerate(LAYERS) if name in layer)
    above = {module for layer in LAYERS[level:] for module in layer} - {name}
    assert not {module.split(".")[1] for module in used if module.startswith("handler.")} & above


@pytest.mark.parametrize("path", BERTH, ids=module_name)
def test_berth_shares_only_the_contract_with_the_handler(path: Path) -> None:
    used = {module for module in imported_modules(path) if module.split(".")[0] == "handler"}
    names = {".".join(module.split(".")[:2]) for module in used}
    more = {"fork_server.py": FORKED, "document.py": {"handler.tasks"}, "roots.py": {"handler.tasks"}}
    more["remote.py"] = {"handler.tasks"}  # what a server's task takes
    more["loading.py"] = {"handler.bulk"}  # the archive's own, in a process of its own
    assert names <= SHARED_WITH_BERTH | more.get(path.name, set())


def room_of(module: str) -> str | None:
    """The room of a module's dotted name; None for the top of berth/ and for what is not berth's."""
    parts = module.split(".")
    return parts[1] if parts[0] == "berth" and len(parts) > 1 and parts[1] in ROOMS else None


@pytest.mark.parametrize("path", BERTH, ids=module_name)
def test_rooms_use_only_the_rooms_that_their_row_names(path: Path) -> None:
    room = room_of(module_name(path))
    used = {room_of(module) for module in imported_modules(path)} - {None, room}
    if path == ROOT / "berth" / "__main__.py":
        return
    assert used <= (ROOMS[room] if room else set())


def test_the_page_says_what_each_room_may_use() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)/` \|.*\|(.*)\|$", page[: page.index("## The rooms of handler/")], re.MULTILINE)
    assert {room: set(used.replace(",", " ").split()) for room, used in rows} == ROOMS


def test_every_folder_is_a_room_and_no_room_comes_back_to_itself() -> None:
    folders = {path.name for path in (ROOT / "berth").iterdir() if (path / "__init__.py").is_file()}
    assert folders == set(ROOMS)
    graphlib.TopologicalSorter(ROOMS).prepare()  # CycleError


@pytest.mark.parametrize("files", [HANDLER, BERTH], ids=["handler", "berth"])
def test_no_module_comes_back_to_itself(files: list[Path]) -> None:
    names = {module_name(path).removesuffix(".__init__"): path for path in files}
    graph = {
        name: {each for each in imported_modules(path) if each in names and not f"{name}.".startswith(f"{each}.")}
        for name, path in names.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # CycleError


def test_the_launcher_imports_nothing_heavy() -> None:
    program = (
        "import sys, berth.serve.start, berth.serve.prepare, berth.serve.run, berth.memory.plan; "
        "print([name for name in ('torch', 'transformers', 'numpy', 'tokenizers') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_pack_and_serve_never_meet() -> None:
    assert "serve" not in ROOMS["pack"]
    assert "pack" not in ROOMS["serve"]


def test_folders_stay_small() -> None:
    folders = Counter(path.parent for path in ALL_FILES if not path.name.startswith("test_"))
    assert [str(folder) for folder, count in folders.items() if count > MOST_MODULES] == []


@pytest.mark.parametrize("path", TESTS, ids=module_name)
def test_no_suite_imports_another(path: Path) -> None:
    suite = module_name(path).split(".")[1]
    used = {module.split(".")[1] for module in imported_modules(path) if module.startswith("tests.")}
    assert used <= {suite, "support", "conftest"}


def functions(paths: list[Path]) -> Iterator[tuple[int, str]]:
    """Lines and place of every function."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield node.end_lineno - node.lineno + 1, f"{path.name}:{node.lineno} {node.name}"


def test_files_and_functions_stay_small() -> None:
    assert [path.name for path in ALL_FILES if len(path.read_text("utf-8").splitlines()) > 300] == []
    assert [place for lines, place in functions(ALL_FILES) if lines > 50] == []
    assert statistics.median(lines for lines, _ in functions(SOURCES)) <= 8


def test_entry_of_the_worker_is_wiring_only() -> None:
    entry = ROOT / "handler" / "bert_handler.py"
    assert len(entry.read_text("utf-8").splitlines()) < 120
    assert "torch" not in set(imported_modules(entry))


def test_help_imports_no_torch() -> None:
    program = (
        "import sys, berth.cli; print([name for name in ('torch', 'transformers', 'requests') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
