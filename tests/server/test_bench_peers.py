"""A short round of `python -m bench.peers` with the peer that needs no environment of its own: TorchServe's example."""

from dataclasses import replace

import pytest

from bench.peers import archives, models
from bench.peers.catalogue import all_peers
from bench.peers.measure.cell import BY_WRK, CLOSED, LONE
from bench.peers.measure.course import NOT_TO_BE_HAD, Outcome, measure_model
from bench.peers.measure.mixes import LOGNORMAL
from bench.peers.measure.scene import Effort, set_scene
from bench.peers.report.document import to_document
from bench.peers.report.page import to_page

pytestmark = pytest.mark.server
EXAMPLE, LONGER = "TorchServe's example", "uniform, 8-256"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    effort = Effort(rounds=1, warm_up_s=0.5, duration_s=2.0, mixes=[LOGNORMAL, LONGER], has_open_loop=False)
    folder = tmp_path_factory.mktemp("peers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "ROOT", folder)
        patch.setattr(archives, "ARCHIVES", folder / "archives")
        (example,) = [peer for peer in all_peers() if peer.name == EXAMPLE]
        scene = set_scene(models.make_model("MiniLM"), effort, lambda _line: None)
        (outcome,) = measure_model(scene, [replace(example, settings=example.settings[-1:])])
    return outcome


def test_it_is_tried_measured_and_counted(outcome: Outcome) -> None:
    (chosen,) = outcome.chosen
    assert chosen.least_cosine > 0.99999  # fp32, another order of sums
    assert set(chosen.tried) == {str(chosen.setting)}
    assert {cell.kind for cell in outcome.cells if not cell.void} - {BY_WRK} == {CLOSED, LONE}
    assert all(cell.rps > 0 and cell.errors == 0 for cell in outcome.cells if not cell.void)
    assert set(outcome.skipped) == set(NOT_TO_BE_HAD)


def test_its_wrong_answers_to_long_texts_are_no_figures(outcome: Outcome) -> None:
    """It cuts each text at 150 tokens, as upstream's settings have it."""
    (void,) = [cell for cell in outcome.cells if cell.void]
    assert (void.mix, void.rps) == (LONGER, 0.0)
    assert "cosine" in void.void


def test_its_page_says_all_of_it(outcome: Outcome) -> None:
    page = to_page(to_document({"commit": "abc"}, {"rounds": 1}, [outcome]), [])
    assert f"- {EXAMPLE}, {LONGER}: an answer's cosine" in page
    assert [f"- {name}: {why}" in page for name, why in NOT_TO_BE_HAD.items()] == [True]
