"""What strangers may try by the page: hostile texts and labels, other origins, other machines, no key."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Route

from berth.front.keys import KeySource
from handler.config import Task
from tests.support.front.fronted import HAPROXY, Fronted, fronted
from tests.support.servers import Server

from .browser import Visit, screen, visit

pytestmark = pytest.mark.server
HOSTILE = "<img src=/x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def test_a_hostile_text_and_label_are_only_shown(tab: Visit) -> None:
    tab.open(Task.ZERO_SHOT_CLASSIFICATION)
    tab.page.get_by_label("Text", exact=True).fill(HOSTILE)
    tab.page.get_by_label("Labels").fill(f"{HOSTILE}, other")
    answer = tab.ask()
    assert HOSTILE in answer.inner_text()
    assert tab.page.locator("#snippets pre").inner_text().count("<script>") == 2
    assert tab.page.locator("main img, main script").count() == 0
    assert tab.page.title() != "taken"


def test_a_models_hostile_facts_are_only_shown(tab: Visit) -> None:
    def answer(route: Route) -> None:
        models = route.fetch().json()
        for model in models["models"]:
            model["handler"] |= {"labels": [HOSTILE], "engine": HOSTILE}
        route.fulfill(json=models)

    tab.page.route("**/ui/models", answer)
    tab.open(Task.TEXT_CLASSIFICATION)
    assert tab.page.locator("#card").inner_text().count(HOSTILE) == 2
    assert (tab.page.locator("main img").count(), tab.page.title() == "taken") == (0, False)
    tab.page.unroute("**/ui/models")


def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script_in_it(tab: Visit) -> None:
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.open(Task.EMBEDDINGS)
    assert {url for url in asked if not url.startswith((tab.url, "about:"))} == set()
    policy = requests.get(f"{tab.url}/ui", timeout=10).headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    tab.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'taken'";
        document.body.append(script);
    }""")
    assert tab.page.title() != "taken"
    tab.complaints.clear()  # Chromium's own line about the script that it did not run


@pytest.mark.parametrize(
    ("workers", "headers", "status"),
    [
        (1, {}, 202),
        (64, {}, 422),
        (0, {}, 422),
        (1, {"sec-fetch-site": None}, 403),
        (1, {"sec-fetch-site": "same-site"}, 403),
        (1, {"origin": "https://elsewhere.example"}, 403),
        (1, {"host": "berth.example"}, 403),
        (1, {"x-forwarded-for": "192.0.2.1"}, 403),
        (1, {"forwarded": "for=192.0.2.1"}, 403),
        (1, {"content-type": "text/plain"}, 415),
    ],
)
def test_who_may_change_workers(
    tasks_server: Server, workers: int, headers: dict[str, str | None], status: int
) -> None:
    url = f"{tasks_server.inference_url}/ui/models/{Task.EMBEDDINGS}/1.0/workers"
    sent = {"content-type": "application/json", "sec-fetch-site": "same-origin", **headers}
    answer = requests.put(url, data=json.dumps({"workers": workers}), headers=sent, timeout=10)
    assert answer.status_code == status, answer.text


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """A front that asks for a key, with nothing but an echo behind it."""
    if not HAPROXY:
        pytest.skip("haproxy is not installed")
    keys: Path = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text("ada open-sesame\n")
    with fronted(KeySource(file=keys, text="")) as front:
        yield front


def test_the_page_asks_for_a_key_and_sends_it(browser: Browser, locked: Fronted) -> None:
    with screen(browser) as context:
        tab = visit(context, locked.inference.url)
        tab.page.goto(f"{tab.url}/ui")
        key = tab.page.get_by_label("Key", exact=True)
        tab.page.get_by_role("dialog").get_by_text("answers only with a key").wait_for()
        key.fill("another")
        key.press("Enter")
        tab.page.get_by_role("dialog").get_by_text("The server refused this key").wait_for()
        assert key.input_value() == ""
        key.fill("open-sesame")
        with tab.page.expect_response("**/ui/models") as answered:
            key.press("Enter")
        assert answered.value.status == 200
        assert answered.value.request.headers["authorization"] == "Bearer open-sesame"
        assert tab.page.evaluate("Object.values(localStorage).length + document.cookie.length") == 0


@pytest.mark.parametrize("path", ["/ui/models", "/ui/state", "/ui/static/../state", "/ui/static/%2e%2e/state"])
def test_what_is_known_of_models_needs_the_key(locked: Fronted, path: str) -> None:
    assert locked.ask(path, method="GET")[0] == 401


@pytest.mark.parametrize("path", ["/ui", "/docs", "/ui/static/tasks/embeddings.js", "/openapi.json"])
def test_the_files_of_the_page_need_none(locked: Fronted, path: str) -> None:
    answer = requests.get(f"{locked.inference.url}{path}", timeout=30)
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")
    again = requests.get(answer.url, headers={"if-none-match": answer.headers["etag"]}, timeout=30)
    assert (again.status_code, again.content) == (304, b"")
