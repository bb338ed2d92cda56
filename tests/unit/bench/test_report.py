"""From exchanges to figures, and from figures to the two reports."""

import json

import pytest

from bench.cpu import CpuShares
from bench.figures import BERTH, Figures, Lone, Run, measure_run
from bench.load import Exchange, LoadResult
from bench.report import raw_latencies, to_document, to_page, to_tables
from bench.work import EncoderShape

CPU = CpuShares(client=0.01, others=0.25)
SHAPE = EncoderShape(layers=6, hidden=384, intermediate=1536)


def make_run(way: str, number: int, requests: int, errors: int = 0) -> Run:
    """A run of 2 s, its answers 100 ms, 200 ms, ... late, each text of 22 tokens."""
    exchanges = [
        Exchange(text="word " * 19 + "end", sent_s=1.0, answered_s=1.0 + (index + 1) / 10, status=200, body=b"")
        for index in range(requests)
    ]
    result = LoadResult(exchanges=exchanges, duration_s=2.0, num_errors=errors, cpu=CPU)
    return measure_run(way, number, result, SHAPE, 1e-7)


@pytest.fixture
def figures() -> Figures:
    """Two rounds; in each another rival is the better one."""
    counts = {BERTH: (40, 44), "batch 1": (8, 11), "batch 8": (10, 6)}
    runs = [make_run(way, number + 1, counts[way][number]) for number in range(2) for way in counts]
    lones = [Lone(round=1, requests=9, errors=0, served_p50_ms=24.0, bare_p50_ms=16.0)]
    return Figures(runs=runs, lones=lones, matmul_gflops=[90.0, 100.0])


def test_figures_of_a_run() -> None:
    run = make_run(BERTH, 1, 10, errors=2)
    assert (run.requests, run.errors, run.rps, run.tokens_per_s) == (10, 2, 5.0, 110.0)
    assert run.useful_gflops == pytest.approx(5 * SHAPE.gflop(22))
    assert run.latency_ms(50) == 500.0
    assert run.latency_ms(99) == 1000.0


def test_the_better_rival_counts_in_every_round(figures: Figures) -> None:
    assert figures.ratios == [4.0, 4.0]
    assert figures.peak_gflops == 100.0
    assert figures.lones[0].ratio == 1.5


def test_document_is_json_with_its_origin(figures: Figures) -> None:
    document = json.loads(json.dumps(to_document({"commit": "abc"}, {"clients": 32}, figures)))
    assert (document["schema_version"], document["commit"], document["settings"]) == (1, "abc", {"clients": 32})
    assert document["figures"]["ratio"] == {"median": 4.0, "low": 4.0, "high": 4.0}
    assert document["figures"]["ways"][BERTH]["rps"] == {"median": 21.0, "low": 20.0, "high": 22.0}
    assert [run["p50_ms"] for run in document["rounds"]["runs"]][:2] == [2000.0, 400.0]
    assert raw_latencies(figures)[1]["latencies_ms"] == [100.0 * (index + 1) for index in range(8)]


def test_tables_name_every_way_and_the_verdict(figures: Figures) -> None:
    tables = to_tables(figures)
    assert "4.00 (4.00..4.00) times as many" in tables
    assert "goal 4 met; floor 3.5 in every round kept" in tables
    assert "without a part in the runs 0.25 (0.25..0.25)" in tables
    assert "| berth   | 21.0 (20.0..22.0)" in tables
    assert "1.50 (1.50..1.50) times as long" in tables


def test_a_missed_goal_is_said(figures: Figures) -> None:
    slow = Figures(runs=[*figures.runs, make_run(BERTH, 2, 33)], lones=figures.lones, matmul_gflops=[100.0])
    assert "goal 4 missed; floor 3.5 in every round broken" in to_tables(slow)


def test_page_names_command_commit_and_hardware(figures: Figures) -> None:
    facts = {"command": "make bench", "commit": "abc", "host": {"cpu": "A processor", "cores": 2}}
    page = to_page(facts, {"clients": 32}, figures)
    assert all(part in page for part in ("`make bench`", "`abc`", "cpu `A processor`, cores 2", "clients: 32"))
