"""`python -m tests.server.page` writes the pictures of docs/page: each on a wide and a narrow screen."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.sources.sample import sample_folder
from handler.config import Task
from tests.server.task_models import make_task_folder
from tests.support.intents import train_intents
from tests.support.servers import running_server

from .browser import NARROW, WIDE, Visit, chromium, screen, visit
from .kinds import KINDS, SPARSE, pack_kinds
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
SHOWN = (*TASKS.items(), *zip(("sparse", "late-interaction", "heads"), KINDS, strict=True))
"""Each picture, and the model that it shows."""
TEXTS = {
    "intents": "I was charged twice for the same order. Can I have my money back?",
    SPARSE: "The ship entered the harbour at dawn.\nA vessel came into port early in the morning.",
}
LONG = "The ferry was late again, and nobody at the pier could say why. " * 60


def make_archives(folder: Path) -> Iterator[Path]:
    """Train, make and pack every model; three minutes."""
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
    yield from pack_kinds(folder)


def take_pictures(browser: Browser, url: str) -> None:
    """Take each model's, then what the page shows of a text that was cut, and of the API."""
    for width, dark in ((WIDE, False), (NARROW, True)):
        with screen(browser, width=width, dark=dark) as context:
            tab = visit(context, url)
            suffix = "wide" if width == WIDE else "narrow"
            for name, model in SHOWN:
                _ask(tab, model)
                tab.picture(PICTURES / f"{name}-{suffix}.png")
            _open_docs(tab)
            tab.picture(PICTURES / f"docs-{suffix}.png", whole=False)
            assert tab.complaints == [], tab.complaints
    with screen(browser, dark=True) as context:
        tab = visit(context, url)
        tab.open("intents")
        tab.page.get_by_label("Text", exact=True).fill(LONG)
        tab.ask()
        tab.picture(PICTURES / "cut-dark.png")


def _ask(tab: Visit, model: str) -> None:
    tab.open(model)
    if model in TEXTS:
        tab.page.locator("#ask textarea").first.fill(TEXTS[model])
    tab.ask()
    if model in ("intents", "answers"):
        tab.explain()


def _open_docs(tab: Visit) -> None:
    tab.page.goto(f"{tab.url}/docs")
    tab.page.get_by_label("Find").fill("hypothesis_template")
    tab.page.locator(".operation summary").first.click()
    for name in ("ZeroShotClassificationRequest", "ZeroShotParameters"):
        tab.page.get_by_text(name).first.click()


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
