"""`python -m tests.server.page` writes the pictures of docs/page: every task, on a wide and a narrow screen."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.sources.sample import sample_folder
from handler.config import Task
from tests.server.task_models import make_task_folder
from tests.support.intents import train_intents
from tests.support.servers import running_server

from .browser import NARROW, WIDE, Visit, chromium, screen, visit
from .taught import TAUGHT

PICTURES = Path(__file__).parents[3] / "docs" / "page"
TASKS = {
    Task.EMBEDDINGS: "sample",
    Task.TEXT_CLASSIFICATION: "intents",
    Task.TOKEN_CLASSIFICATION: "entities",
    Task.QUESTION_ANSWERING: "answers",
    Task.FILL_MASK: "words",
    Task.TEXT_RANKING: "untrained-ranker",
    Task.ZERO_SHOT_CLASSIFICATION: "untrained-zero-shot",
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: "untrained-gliner",
}
"""The model that shows each task."""
TEXTS = {"intents": "I was charged twice for the same order. Can I have my money back?"}
LONG = "The ferry was late again, and nobody at the pier could say why. " * 60
SETTLED_MS = 400
COLOURS = 128


def make_archives(folder: Path) -> Iterator[Path]:
    """Train, make and pack a model for each task; three minutes."""
    for task, name in TASKS.items():
        checkpoint = folder / name
        if name == "sample":
            checkpoint = sample_folder()
        elif name == "intents":
            train_intents(checkpoint)
        elif name in TAUGHT:
            TAUGHT[name](checkpoint)
        else:
            make_task_folder(checkpoint, task)
        yield pack_checkpoint(checkpoint, PackOptions(task=task, name=name, output=folder / "store")).archive


def take_pictures(browser: Browser, url: str) -> None:
    """Take each task's, then what the page shows of a text that was cut, and of the API."""
    for width, dark in ((WIDE, False), (NARROW, True)):
        with screen(browser, width=width, dark=dark) as context:
            tab = visit(context, url)
            suffix = "wide" if width == WIDE else "narrow"
            for task, model in TASKS.items():
                _ask(tab, model)
                _save(tab, f"{task}-{suffix}")
            _open_docs(tab)
            _save(tab, f"docs-{suffix}", whole=False)
            assert tab.complaints == [], tab.complaints
    with screen(browser, dark=True) as context:
        tab = visit(context, url)
        tab.open("intents")
        tab.page.get_by_label("Text", exact=True).fill(LONG)
        tab.ask()
        _save(tab, "cut-dark")


def _ask(tab: Visit, model: str) -> None:
    tab.open(model)
    if model in TEXTS:
        tab.page.get_by_label("Text", exact=True).fill(TEXTS[model])
    tab.ask()
    if model in ("intents", "answers"):
        tab.explain()


def _open_docs(tab: Visit) -> None:
    tab.page.goto(f"{tab.url}/docs")
    tab.page.get_by_label("Find").fill("hypothesis_template")
    tab.page.locator(".operation summary").first.click()
    for name in ("ZeroShotClassificationRequest", "ZeroShotParameters"):
        tab.page.get_by_text(name).first.click()


def _save(tab: Visit, name: str, *, whole: bool = True) -> None:
    tab.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    tab.page.locator("#card .good, .operation").first.wait_for()
    tab.page.wait_for_timeout(SETTLED_MS)
    path = PICTURES / f"{name}.png"
    tab.page.screenshot(path=path, full_page=whole)
    with Image.open(path) as taken:  # a third of the bytes
        taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Make the models, serve them, take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bp-") as folder:
        archives = list(make_archives(Path(folder)))
        with running_server(archives) as server, chromium() as browser:
            take_pictures(browser, server.inference_url)
    subprocess.run(["ls", "-l", PICTURES], check=True)


if __name__ == "__main__":
    main()
