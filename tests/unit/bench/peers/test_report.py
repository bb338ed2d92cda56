"""From cells to ratios, to the page and to the plots."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bench.machine import REPOSITORY
from bench.peers.measure.cell import Cell
from bench.peers.report import keeping
from bench.peers.report.keeping import keep
from bench.peers.report.page import to_page
from bench.peers.report.plots import write_plots
from bench.peers.report.summary import ratios, rivals, void_rounds

from .conftest import MIXES, make_cell, make_document

COMMITTED = sorted(REPOSITORY.glob("docs/bench/peers*.md"))
MAX_BYTES = 150_000  # of a picture that is committed


def test_berth_is_compared_with_the_best_peer_of_its_precision_or_of_any(cells: list[Cell]) -> None:
    model = make_document(cells)["models"]["MiniLM"]
    assert rivals(model, "fp32") == ["slow"]
    assert ratios(model, MIXES[0], "berth", rivals(model, "fp32")) == [3.0, 3.0]
    assert ratios(model, MIXES[0], "berth", rivals(model)) == [2.0, 2.2]


def test_a_share_of_more_than_the_peak_voids_its_round(cells: list[Cell]) -> None:
    too_much = make_cell("slow", 2, 22.0, useful_gflops=101.0)
    model = make_document([*cells, too_much])["models"]["MiniLM"]
    assert void_rounds(model) == [2]
    assert ratios(model, MIXES[0], "berth", ["slow"]) == [3.0]


def test_int8_is_measured_by_the_best_peak_of_any_precision(cells: list[Cell]) -> None:
    model = make_document([*cells, make_cell("quick", 2, 30.0, useful_gflops=299.0)])["models"]["MiniLM"]
    assert void_rounds(model) == []


def test_the_page_has_every_figure_and_its_origin(cells: list[Cell]) -> None:
    document = make_document(cells)
    page = to_page(json.loads(json.dumps(document)), ["peers-minilm-requests.png"])
    assert "**berth** answers 3.00 (3.00..3.00) times the requests/s of the best peer in fp32 (slow)." in page
    assert "**berth, fastest** answers 3.15 (3.00..3.30) times" in page
    assert "A lone client of **berth** waits 5.0 ms (p50), of slow 4.0 ms." in page
    assert "- absent: no package" in page
    assert "kept 0.01 (0.01..0.01) cores busy, and processes without a part in the run 0.50 (0.50..0.50)." in page
    assert "- slow, all 512: wrong answers" in page
    assert "Rounds that do not count: none." in page
    assert all(
        part in page
        for part in ("![peers-minilm-requests.png]", "`make it`", "`abc`", "clients: 32", "- rounds: MiniLM `2 of 3`")
    )
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| slow")}
    assert "void" in page
    assert rows
    open_loop = next(line for line in page.splitlines() if line.startswith("| berth ") and "10 / 30" in line)
    assert [cell.strip() for cell in open_loop.split("|")[1:-1]] == ["berth", *["10 / 30"] * 2, "4.0", "10 / 30"]


def test_a_void_round_has_no_figure_on_the_page(cells: list[Cell]) -> None:
    page = to_page(make_document([*cells, make_cell("slow", 2, 22.0, useful_gflops=101.0)]), [])
    assert "Rounds that do not count: [2]." in page
    assert "66.0" not in page


@pytest.mark.parametrize("page", COMMITTED, ids=lambda page: page.stem)
def test_a_committed_page_is_what_is_made_of_its_json(page: Path) -> None:
    document = json.loads(page.with_suffix(".json").read_text("utf-8"))
    plots = [name for name in re.findall(r"!\[(.*?)\]", page.read_text("utf-8")) if page.with_name(name).is_file()]
    assert page.read_text("utf-8") == to_page(document, plots) + "\n"


def test_raw_latencies_lie_beside_the_page(cells: list[Cell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "RAW", tmp_path / "raw.npz")
    monkeypatch.setattr(keeping, "write_plots", lambda *_: [])
    document, latencies_ms = make_document(cells), {cells[0].key: [1.5, 2.5]}
    keep(document, latencies_ms, tmp_path / "page.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.json", "page.md", "page.npz"]
    assert np.load(tmp_path / "page.npz")[cells[0].key].tolist() == [1.5, 2.5]
    keep(document, latencies_ms, None)
    assert np.load(tmp_path / "raw.npz").files == [cells[0].key]


@pytest.mark.parametrize("kind", ["requests", "latency"])
def test_plots_are_small_pictures(cells: list[Cell], tmp_path: Path, kind: str) -> None:
    names = write_plots(make_document(cells), tmp_path / "peers.md")
    picture = (tmp_path / f"peers-minilm-{kind}.png").read_bytes()
    assert f"peers-minilm-{kind}.png" in names
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < MAX_BYTES
