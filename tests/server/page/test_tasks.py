"""Every task on the page: asked by the keyboard, drawn, explained, and copied as programs that run."""

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Route, ViewportSize

from handler.config import Task
from tests.support.equality.compare import largest_difference
from tests.support.servers import Server

from .browser import HEIGHT, NARROW, PROGRAMS, WIDE, Visit

pytestmark = pytest.mark.server
TOLERANCE = 1e-4  # what else is in the batch changes the last digits
LABELS = 3  # of the small classifiers
LONG = "hello world " * 250 + "the end"  # 1253 tokens of 512
UNSEEN = "\u200f\u202e\u2066\u200b\u2028\x85\U000e0041"  # marks that turn text about, and others without a shape
PHONE = ViewportSize(width=375, height=700)
# What an answer to the example is drawn as, and how many there are.
DRAWN = {
    Task.EMBEDDINGS: {".map tbody td": 36, ".picture circle": 6, ".numbered li": 6},
    Task.TEXT_CLASSIFICATION: {".bars li": LABELS},
    Task.TOKEN_CLASSIFICATION: {".reading": 1, ".plain": 1},
    Task.QUESTION_ANSWERING: {".reading mark": 1, ".bars li": 3},
    Task.FILL_MASK: {".bars li": 8, ".bars .detail": 8},
    Task.TEXT_RANKING: {".bars li": 4},
    Task.ZERO_SHOT_CLASSIFICATION: {".bars li": 4},
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: {".reading": 1, ".plain": 1},
}


@pytest.mark.parametrize("task", Task)
def test_a_task_is_asked_and_drawn(tab: Visit, task: Task) -> None:
    tab.open(task)
    answer = tab.ask()
    assert {what: answer.locator(what).count() for what in DRAWN[task]} == DRAWN[task]
    assert "token" in answer.locator(".meta").first.inner_text()
    if task in (Task.TEXT_CLASSIFICATION, Task.QUESTION_ANSWERING):
        assert tab.explain().locator(".shade").count() > 5
    assert tab.overhang() == 0
    assert tab.complaints == []


@pytest.mark.parametrize("task", Task)
def test_what_is_copied_runs(tab: Visit, task: Task) -> None:
    tab.open(task)
    curl, python, script = (tab.copied(language) for language in PROGRAMS)
    shell = _output(["bash", "-c", f"{curl} --silent"])
    expected = _floating(json.loads(shell))
    for found in (ast.literal_eval(_output([sys.executable, "-c", python])), _in_the_browser(tab, script)):
        assert largest_difference(_floating(found), expected) < TOLERANCE


def test_what_is_not_seen_is_copied_as_an_escape(tab: Visit) -> None:
    tab.open(Task.ZERO_SHOT_CLASSIFICATION)  # whose answer says which text was read
    tab.page.get_by_label("Text", exact=True).fill(f"pay{UNSEEN}now")
    curl, python, script = (tab.copied(language) for language in PROGRAMS)
    assert not set(UNSEEN) & set(curl + python + script)
    read = (
        json.loads(_output(["bash", "-c", f"{curl} --silent"])),
        ast.literal_eval(_output([sys.executable, "-c", python])),
        _in_the_browser(tab, script),
    )
    assert [each["sequence"] for each in read] == [f"pay{UNSEEN}now"] * len(PROGRAMS)


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def _in_the_browser(tab: Visit, script: str) -> Any:
    with tab.page.expect_console_message() as said:
        tab.page.evaluate(f"(async () => {{ {script} }})()")
    return said.value.args[0].json_value()


def _floating(value: Any) -> Any:
    """With every number a floating one: JavaScript has no others."""
    if isinstance(value, dict):
        return {key: _floating(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_floating(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_what_was_cut_is_shown(tab: Visit) -> None:
    tab.open(Task.TEXT_CLASSIFICATION)
    tab.page.get_by_label("Text", exact=True).fill(LONG)
    cut = tab.ask().locator(".cut")
    assert "510 tokens of 1253 were read" in cut.locator("summary").inner_text()
    read, unread = cut.locator("p").evaluate("place => [...place.childNodes].map(node => node.textContent)")
    assert read.removeprefix("… ") + unread.removesuffix(" …") in LONG
    assert (len(read), len(unread)) == (302, 302)


@pytest.mark.parametrize(
    ("task", "beside"), [(Task.ZERO_SHOT_CLASSIFICATION, "Labels"), (Task.TEXT_CLASSIFICATION, "Second text")]
)
def test_how_much_was_read_beside_other_things_is_not_made_up(tab: Visit, task: Task, beside: str) -> None:
    tab.open(task)
    tab.page.get_by_label("Text", exact=True).fill(LONG)
    tab.page.get_by_label(beside).fill("ships, weather")
    cut = tab.ask().locator(".cut")
    assert cut.inner_text().startswith("A part was not read: the model takes at most 512 tokens at once")
    assert cut.locator("del").count() == 0


@pytest.mark.parametrize(("has_time", "says"), [(True, "within 0.01"), (False, "within 0.30")])
def test_an_explanation_takes_the_steps_that_its_shares_need(tab: Visit, has_time: bool, says: str) -> None:
    asked: list[int] = []

    def answer(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "")["parameters"]["n_steps"])
        figures = {"score": 1, "baseline_score": 0, "convergence_delta": 0.3 if len(asked) == 1 else 0.01}
        status = 200 if has_time or len(asked) == 1 else 503
        route.fulfill(status=status, json=route.fetch().json() | figures)

    tab.page.route("**/explanations/*", answer)
    tab.open(Task.TEXT_CLASSIFICATION)
    tab.ask()
    assert says in tab.explain().inner_text()
    assert asked == [20, 50]
    tab.page.unroute_all()
    tab.complaints.clear()  # Chromium's own line about the 503


def test_a_mistake_is_told_on_a_phone_and_the_next_question_answered(tab: Visit) -> None:
    tab.open(Task.ZERO_SHOT_CLASSIFICATION)
    tab.page.set_viewport_size(PHONE)
    answer = tab.ask()
    labels = tab.page.get_by_label("Labels")
    labels.fill("")
    tab.page.get_by_role("button", name="Ask").click()
    problem = tab.page.get_by_role("alert")
    problem.get_by_text("422").wait_for()
    assert "candidate_labels" in problem.inner_text()
    assert problem.evaluate("place => place === document.activeElement")
    assert _is_on_top(problem)
    assert answer.inner_text() == "No answer to this: what was wrong stands above the form."
    labels.fill("ships, weather")
    tab.ask()
    assert problem.is_hidden()
    tab.page.set_viewport_size({"width": WIDE, "height": HEIGHT})
    tab.complaints.clear()  # Chromium's own line about the 422


def _is_on_top(place: Locator) -> bool:
    """Whether its first and its last line are in the window, and under nothing else."""
    return bool(
        place.evaluate("""place => {
            const { left, top, bottom } = place.getBoundingClientRect();
            return [top + 5, bottom - 5].every(y => place.contains(document.elementFromPoint(left + 20, y)));
        }""")
    )


def test_the_card_and_the_state(tab: Visit, tasks_server: Server) -> None:
    tab.open(Task.TEXT_CLASSIFICATION)
    card = tab.page.locator("#card")
    card.get_by_text("given at").wait_for()
    for fact in ("negative", "packed, fp32, cpu", "512 tokens of a text", "1.0"):
        assert fact in card.inner_text()
    state = tab.page.locator("#state")
    state.get_by_text("1 of 1 ready").wait_for()
    assert "A request took" in state.inner_text()  # as the front counts it
    assert "granted" in state.inner_text()
    with tab.page.expect_response("**/workers") as answered:
        tab.page.get_by_role("button", name="Scale").click()
    assert (answered.value.status, answered.value.json()["workers"]) == (202, 1)
    assert len(tasks_server.worker_pids(Task.TEXT_CLASSIFICATION)) == 1


def test_another_default_version_is_shown_without_a_reload(tab: Visit) -> None:
    tab.open(Task.TEXT_CLASSIFICATION)
    tab.page.locator("#state").get_by_text("1 of 1 ready").wait_for()
    tab.page.get_by_label("Text", exact=True).fill("written before")
    begun = (f'"{Task.TEXT_CLASSIFICATION}{between}' for between in ("/", '","version":"'))
    _answer_otherwise(tab, {f'{each}1.0"': f'{each}2.0"' for each in begun})
    tab.page.locator("#card").get_by_text("2.0", exact=True).wait_for()
    assert tab.page.get_by_label("Text", exact=True).input_value() == "written before"
    tab.page.unroute_all()
    tab.complaints.clear()  # Chromium's own line about the check of a version that is not there


def test_other_content_of_the_same_version_is_shown_without_a_reload(tab: Visit) -> None:
    tab.open(Task.TEXT_CLASSIFICATION)
    tab.page.locator("#state").get_by_text("1 of 1 ready").wait_for()
    content = str(tab.page.locator("#card code").get_attribute("title")).removeprefix("sha256 ")
    _answer_otherwise(tab, {content: "0" * len(content)})
    tab.page.locator("#card code").get_by_text("0" * 16).wait_for()
    tab.page.unroute_all()


def _answer_otherwise(tab: Visit, changes: Mapping[str, str]) -> None:
    """Change words in what /ui/state and /ui/models answer."""

    def answer(route: Route) -> None:
        body = route.fetch().text()
        for old, new in changes.items():
            body = body.replace(old, new)
        route.fulfill(body=body, content_type="application/json")

    tab.page.route("**/ui/*", answer)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_picture_shows_all_of_the_page(tab: Visit, tmp_path: Path, width: int) -> None:
    tab.page.set_viewport_size({"width": width, "height": HEIGHT})
    tab.open(Task.EMBEDDINGS)
    tab.ask()
    tab.page.route("**/ui/state", lambda _: None)  # which may change how high the page is
    height = tab.page.evaluate("document.documentElement.scrollHeight")
    tab.picture(tmp_path / "page.png")
    tab.page.unroute_all()
    with Image.open(tmp_path / "page.png") as taken:
        assert (taken.format, taken.size) == ("PNG", (width, height))
        colours = taken.convert("RGB").getcolors()
    assert colours is not None
    assert len(colours) > 32
    assert max(number for number, _ in colours) < 0.8 * width * height  # no blank page with a header
    tab.page.set_viewport_size({"width": WIDE, "height": HEIGHT})


def test_the_api_is_described(tab: Visit) -> None:
    tab.page.goto(f"{tab.url}/docs")
    tab.page.get_by_text("27 of 27 addresses").wait_for()
    tab.page.get_by_label("Find").fill("candidate_labels infer")
    assert tab.page.locator(".operation").count() == 1
    tab.page.locator(".operation summary").first.press("Enter")
    tab.page.get_by_text("Send application/json").first.wait_for()
    assert tab.overhang() == 0
    assert tab.complaints == []
