"""Models that a task's own does not show, on the page: sparse vectors, vectors of tokens, several heads."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.servers import running_server

from .browser import Visit, screen, visit
from .kinds import HEADS, LATE, SPARSE, URGENCY, pack_kinds

pytestmark = pytest.mark.server
TEXTS, WORDS = 6, 12  # of the example; the heaviest of each


@pytest.fixture(scope="module")
def kinds(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """A tab on a server with one model of each kind."""
    archives = list(pack_kinds(tmp_path_factory.mktemp("kinds")))
    with running_server(archives) as server, screen(browser) as context:
        yield visit(context, server.inference_url)


def test_sparse_vectors_are_drawn_by_their_words(kinds: Visit) -> None:
    kinds.open(SPARSE)
    answer = kinds.ask()
    assert answer.locator("h3").all_inner_texts() == [f"Words of text {place}" for place in range(1, TEXTS + 1)]
    assert answer.locator(".bars").count() == TEXTS
    assert 0 < answer.locator(".bars li").count() <= TEXTS * WORDS
    assert answer.locator(".map tbody tr").first.locator("td").first.inner_text() == "1.00"
    assert (kinds.overhang(), kinds.complaints) == (0, [])


def test_vectors_of_tokens_are_compared_by_maxsim(kinds: Visit) -> None:
    kinds.open(LATE)
    answer = kinds.ask()
    counted = re.findall(r"Text \d: (\d+) vectors", answer.inner_text())
    assert len(counted) == TEXTS
    assert answer.locator(".map tbody td").count() == TEXTS**2
    assert answer.locator(".map tbody tr").first.locator("td").first.inner_text() == "1.00"
    assert (kinds.overhang(), kinds.complaints) == (0, [])


def test_the_head_that_is_chosen_answers(kinds: Visit) -> None:
    kinds.open(HEADS)
    kinds.page.get_by_label("Head", exact=True).select_option("urgency")
    answer = kinds.ask()
    assert set(answer.locator(".bars .name").all_inner_texts()) == set(URGENCY)
    assert kinds.explain().locator(".shade").count() > 0
    assert '"head":"urgency"' in kinds.copied("curl")
    assert "urgency" in kinds.page.locator("#card").inner_text()
    assert (kinds.overhang(), kinds.complaints) == (0, [])
