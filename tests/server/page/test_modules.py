"""The page's own arithmetic, asked in the browser that runs it."""

import itertools
import math

import pytest
from playwright.sync_api import Browser

from tests.support.servers import Server

from .browser import screen, visit

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def modules(browser: Browser, tasks_server: Server):
    """Calls a function of one of the page's modules."""
    with screen(browser) as context:
        page = visit(context, tasks_server.inference_url).page
        page.goto(f"{tasks_server.inference_url}/docs")

        def call(path: str, name: str, *arguments: object):
            program = "([path, name, given]) => import(path).then(module => module[name](...given))"
            return page.evaluate(program, [f"/ui/static/{path}", name, list(arguments)])

        yield call


def test_the_plane_of_most_difference(modules) -> None:
    points = [[1, 10 * across + up, 5, up] for across, up in ((0, 0), (1, 0.1), (2, -0.1), (3, 0))]
    found = modules("drawing/vectors.js", "plane", points)
    assert found["share"] > 0.999
    places = [point[0] for point in found["points"]]
    steps = [later - earlier for earlier, later in itertools.pairwise(places)]
    assert all(math.isclose(abs(step), 10, rel_tol=0.05) for step in steps)
    assert modules("drawing/vectors.js", "plane", [[1, 2], [1, 2]])["points"] == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("buckets", "part", "words"),
    [
        ([["0.001", 4], ["0.0025", 4], ["+Inf", 4]], 0.5, "below 1 ms"),
        ([["0.001", 0], ["0.0025", 10], ["+Inf", 10]], 0.4, "1.6 ms"),
        ([["0.01", 0], ["0.025", 10], ["+Inf", 10]], 0.4, "16 ms"),
        ([["0.005", 0], ["0.01", 10], ["+Inf", 11]], 0.99, "above 10 ms"),
    ],
)
def test_quantiles_between_two_bounds(modules, buckets: list[list[object]], part: float, words: str) -> None:
    assert modules("state.js", "quantile", buckets, part) == words


def test_programs_survive_quotes_and_never_hold_the_key(modules) -> None:
    body = {"inputs": 'it\'s "so" $HOME \\ `x` é', "parameters": {"top_k": None, "all": True, "none": []}}
    programs = modules("snippets.js", "programs", "http://host/predictions/m", body, True)
    assert "'\\''s" in programs["curl"]
    assert '"top_k": None' in programs["Python"]
    assert all("BERTH_API_KEY" in program for program in programs.values())


def test_how_alike_sparse_vectors_and_several_are(modules) -> None:
    assert modules("drawing/vectors.js", "sparseCosine", {"a": 3, "b": 4}, {"b": 2}) == pytest.approx(0.8)
    assert modules("drawing/vectors.js", "maxSim", [[1, 0], [0, 1]], [[1, 0]]) == pytest.approx(0.5)
