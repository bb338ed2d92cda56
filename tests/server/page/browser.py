"""The page in a real Chromium, without a window: what a person does there, and what is seen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
WAIT_MS = 20_000  # of a busy machine
WIDE, NARROW = 1280, 390
HEIGHT = 900
EXPLAIN = "Which words made it?"
PROGRAMS = ("curl", "Python", "JavaScript")
COLOURS = 128


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; in a container it has no sandbox of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass(kw_only=True)
class Visit:
    """One tab with the page of the server at `url`, and all that the browser complained of."""

    url: str
    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, model: str) -> None:
        """Load the page with this model chosen, and its form."""
        self.page.goto("about:blank")  # else only what is behind # changes
        self.page.goto(f"{self.url}/ui#{model}")
        self.page.locator("#ask form").wait_for()

    def ask(self) -> Locator:
        """Ask as a keyboard does, and return the answer's place once the answer is there."""
        self.page.locator("#ask textarea").first.press("Control+Enter")
        self.page.locator("#answer h2").wait_for()
        return self.page.locator("#answer")

    def explain(self) -> Locator:
        """Ask which words made the answer, and return the place of the shades."""
        self.page.get_by_role("button", name=EXPLAIN).click()
        self.page.locator(".explanation .reading").first.wait_for()
        return self.page.locator(".explanation")

    def copied(self, language: str) -> str:
        """The program that the button copies."""
        self.page.get_by_role("button", name=language, exact=True).click()
        self.page.get_by_role("button", name="Copy", exact=True).click()
        self.page.get_by_role("button", name="Copied").wait_for()
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write what is seen as a PNG, once the known answers and the state are there; `whole`: to the page's end."""
        self.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        for place in ("#card .good, .operation", "#state dl, .operation"):
            self.page.locator(place).first.wait_for()
        self.page.screenshot(path=path, full_page=whole)
        with Image.open(path) as taken:  # a third of the bytes
            taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)

    def overhang(self) -> int:
        """Pixels that one would have to scroll sideways on a phone."""
        self.page.set_viewport_size({"width": NARROW, "height": HEIGHT})
        found = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.page.set_viewport_size({"width": WIDE, "height": HEIGHT})
        return int(found)


def visit(context: BrowserContext, url: str) -> Visit:
    """A new tab."""
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    made = Visit(url=url, page=page)

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            made.complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    return made


def screen(browser: Browser, *, width: int = WIDE, dark: bool = False) -> BrowserContext:
    """A window of this width, which may read what it copied."""
    return browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
