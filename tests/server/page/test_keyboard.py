"""The page by the keyboard alone: where Tab leads, what a key does there, and one question at a time."""

import pytest
from playwright.sync_api import Route

from handler.config import Task

from .browser import EXPLAIN, Visit

pytestmark = pytest.mark.server


def focused(tab: Visit) -> str:
    """What has the focus, by its id or else its words; "unseen" where no outline says so."""
    return str(
        tab.page.evaluate("""() => {
            const place = document.activeElement;
            return getComputedStyle(place).outlineStyle === "none" ? "unseen" : place.id || place.textContent;
        }""")
    )


def tabbed(tab: Visit, times: int) -> list[str]:
    """What has the focus after each Tab."""
    found = []
    for _ in range(times):
        tab.page.keyboard.press("Tab")
        found.append(focused(tab))
    return found


def test_tab_leads_through_the_page_and_a_question_is_asked(tab: Visit) -> None:
    tab.open(Task.TEXT_CLASSIFICATION)
    places = ["Skip to the form", "berth", "model", "API", "key", "field-text", "field-pair", "Ask"]
    assert tabbed(tab, len(places)) == places
    tab.page.keyboard.press("Space")
    tab.page.locator("#answer h2").wait_for()
    assert focused(tab) == "Ask"
    assert tabbed(tab, 1) == [EXPLAIN]
    tab.page.keyboard.press("Enter")
    tab.page.locator(".explanation .shade").first.wait_for()


def test_the_skip_link_the_chooser_and_the_dialog(tab: Visit) -> None:
    press = tab.page.keyboard.press
    tab.open(Task.TEXT_CLASSIFICATION)
    tabbed(tab, 1)
    press("Enter")
    assert tabbed(tab, 1) == ["field-text"]
    assert tab.page.url.endswith(f"#{Task.TEXT_CLASSIFICATION}")
    tab.page.locator("#model").focus()
    press("ArrowDown")
    tab.page.locator("h1").get_by_text("Token classification").wait_for()
    assert focused(tab) == "model"
    assert tabbed(tab, 2) == ["API", "key"]
    press("Enter")
    assert focused(tab) == "key-value"
    tab.page.keyboard.type("begun")
    press("Escape")
    assert focused(tab) == "key"
    assert tab.page.evaluate("sessionStorage.length") == 0  # what was begun is not used


def arrived(tab: Visit, held: list[Route], number: int) -> None:
    """Wait for so many requests: they are held when the browser says so, and not when a key is pressed."""
    while len(held) < number:
        tab.page.wait_for_timeout(10)


def test_one_question_at_a_time_and_no_answer_to_a_form_that_is_gone(tab: Visit) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.page.route("**/predictions/*", hold)
    tab.open(Task.TEXT_CLASSIFICATION)
    text, button = tab.page.get_by_label("Text", exact=True), tab.page.get_by_role("button", name="Ask")
    for _ in range(2):
        text.press("Control+Enter")
    button.press("Enter")
    arrived(tab, held, 1)
    held[0].continue_()
    tab.page.locator("#answer h2").wait_for()
    assert len(held) == 1
    former = button.element_handle()
    button.click()
    tab.page.locator("#model").select_option(Task.EMBEDDINGS)
    tab.page.locator("h1").get_by_text("Embeddings").wait_for()
    arrived(tab, held, 2)
    held[1].continue_()
    tab.page.wait_for_function("button => !button.ariaDisabled", arg=former)
    assert tab.page.locator("#answer").inner_text() == "The answer will stand here."
    tab.page.unroute_all()
