"""README and CONTRIBUTING stay true: the tree, the targets, the commands, the exit codes."""

import re
import subprocess
from pathlib import Path

import pytest

from berth import errors
from berth.cli.app import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("k8s/*.md"), *ROOT.glob("examples/*/*.md")]
UNEXPLAINED = {"README.md", "LICENSE", ".gitignore", ".dockerignore"}


def tree_names() -> set[str]:
    """The first column of README's file tree."""
    tree = README[README.index("    handler/ ") :]
    return {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("    ")}


def test_tree_names_what_is_there() -> None:
    assert [name for name in tree_names() if not (ROOT / name).exists()] == []


def test_tree_leaves_nothing_out() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top_level = {name.split("/")[0] for name in listed.splitlines() if name != ".ci/run"}
    assert top_level - UNEXPLAINED - tree_names() == set()


@pytest.mark.parametrize("document", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_make_targets_exist(document: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^(?:    |`)make ([a-z-]+)", document, re.MULTILINE)) | set(
        re.findall(r"`make ([a-z-]+)`", document)
    )
    assert targets
    assert [name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def named_commands(document: str) -> set[str]:
    """Every WORD of `berth WORD` in a document's code: indented lines, and what stands between backticks."""
    code = re.findall(r"^    .*$|`[^`]+`", document, re.MULTILINE)
    return {command for part in code for command in re.findall(r"\bberth ([a-z][a-z-]*)", part)}


def test_an_invented_command_would_be_found() -> None:
    assert named_commands("    .venv/bin/berth fly x\nberth packs, `berth sail` and `berth --help`") == {"fly", "sail"}


def test_commands_exist() -> None:
    registered = {command.callback.__name__ for command in app.registered_commands if command.callback}
    named = named_commands(README) | named_commands(CONTRIBUTING)
    assert named
    assert named - registered == set()


def test_exit_codes_are_the_errors_own() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d) \|", README, re.MULTILINE)}
    classes = [errors.BerthError, errors.UsageError, errors.ServerUnreachable, errors.Refused]
    assert documented == {0} | {kind.exit_code for kind in classes}


def test_readme_is_one_screen_and_contributing_short() -> None:
    assert len(README.splitlines()) <= 70
    assert len(CONTRIBUTING.splitlines()) < 60


def anchors(page: Path) -> set[str]:
    """What a link may name in a page: its headings, as GitHub spells them."""
    text = re.sub(r"^(```|~~~).*?^\1", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = [link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))]
    targets = [(page.parent / file if file else page, anchor) for file, _, anchor in links if ":" not in file]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [anchor for target, anchor in targets if anchor and anchor not in anchors(target)] == []


def test_architecture_names_files_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = {name for name in re.findall(r"`([\w./]+)`", page) if name.endswith((".py", "/"))}
    assert len(named) > 40
    tops = ("handler", "berth", "bench", "tests", "docs")
    there = [f"/{path.relative_to(ROOT).as_posix()}" for top in tops for path in [ROOT / top, *(ROOT / top).rglob("*")]]
    assert [name for name in named if not any(path.endswith(f"/{name.rstrip('/')}") for path in there)] == []
    rooms = {path.parent.name for top in ("berth", "handler") for path in ROOT.glob(f"{top}/*/__init__.py")}
    assert {name.rstrip("/") for name in re.findall(r"^\| `(\w+/)` \|", page, re.MULTILINE)} == rooms
