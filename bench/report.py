"""Figures -> a JSON document for machines and a page for people. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from .figures import FLOOR_RATIO, GOAL_RATIO, Figures, Run, spread_of
from .stats import Spread

SCHEMA_VERSION = 1
PERCENTS = (50, 95, 99)


def to_document(facts: Mapping[str, object], settings: Mapping[str, object], figures: Figures) -> dict[str, object]:
    """The JSON document: everything but the raw latencies."""
    return {
        "schema_version": SCHEMA_VERSION,
        "benchmark": "serving",
        **facts,
        "settings": dict(settings),
        "figures": {
            "ratio": asdict(Spread.of(figures.ratios)),
            "goal_ratio": GOAL_RATIO,
            "floor_ratio": FLOOR_RATIO,
            "lone_over_bare": asdict(Spread.of([lone.ratio for lone in figures.lones])),
            "peak_gflops": figures.peak_gflops,
            "errors": figures.num_errors,
            "ways": {way: _summary(figures, way) for way in figures.ways},
        },
        "rounds": {
            "ratios": figures.ratios,
            "matmul_gflops": list(figures.matmul_gflops),
            "lone": [asdict(lone) for lone in figures.lones],
            "runs": [_run(run) for run in figures.runs],
        },
    }


def raw_latencies(figures: Figures) -> list[dict[str, object]]:
    """Every latency of every run, in ms."""
    return [{"way": run.way, "round": run.round, "latencies_ms": list(run.latencies_ms)} for run in figures.runs]


def _run(run: Run) -> dict[str, object]:
    plain = {name: value for name, value in asdict(run).items() if name != "latencies_ms"}
    return plain | {f"p{percent}_ms": run.latency_ms(percent) for percent in PERCENTS}


def _summary(figures: Figures, way: str) -> dict[str, object]:
    runs = figures.of(way)
    names = ("rps", "tokens_per_s", "useful_gflops", "client_cores", "other_cores")
    share = spread_of(runs, "useful_gflops").median / figures.peak_gflops
    return {
        **{name: asdict(spread_of(runs, name)) for name in names},
        **{f"p{percent}_ms": asdict(_latency(runs, percent)) for percent in PERCENTS},
        "peak_ratio": share,
        "max_difference": max(run.max_difference for run in runs),
    }


def _latency(runs: Sequence[Run], percent: float) -> Spread:
    return Spread.of([run.latency_ms(percent) for run in runs])


def to_tables(figures: Figures) -> str:
    """The figures for people, in Markdown."""
    return "\n\n".join((_verdict(figures), _ways_table(figures), _lone_line(figures), _rounds_table(figures)))


def to_page(facts: Mapping[str, object], settings: Mapping[str, object], figures: Figures) -> str:
    """The page that is committed: the question, the figures, and where they come from."""
    return "\n\n".join(
        (
            "# Serving: berth beside the way of TorchServe's own example",
            QUESTION,
            to_tables(figures),
            "## Where these figures come from",
            to_list({**facts, **settings}),
        )
    )


QUESTION = """Through a real TorchServe, how many times as many requests per second does berth answer as the way that
TorchServe's `examples/Huggingface_Transformers` takes: a tokenizer call per request, padded to 150 tokens, one masked
forward pass? The rival is our own writing of that way (`bench/rivals/padded_handler.py`), with the same checkpoint,
task, threads, launcher, settings and logs. In every round its better setting counts: batches of 1, or batches of 8
with a maxBatchDelay of 100 ms. One server runs at a time; a round measures all three. Each figure is the median of
the rounds, followed by the lowest and the highest."""


def _verdict(figures: Figures) -> str:
    ratio = Spread.of(figures.ratios)
    met = "met" if ratio.median >= GOAL_RATIO else "missed"
    kept = "kept" if ratio.low >= FLOOR_RATIO else "broken"
    return (
        f"**berth answers {ratio.to_text(2)} times as many requests per second as the better rival** "
        f"(goal {GOAL_RATIO:g} {met}; floor {FLOOR_RATIO:g} in every round {kept}). "
        f"The load generator kept {spread_of(figures.runs, 'client_cores').to_text(3)} cores busy, and processes "
        f"without a part in the runs {spread_of(figures.runs, 'other_cores').to_text(2)}."
    )


def _ways_table(figures: Figures) -> str:
    header = ("way", "requests/s", "p50 ms", "p95 ms", "p99 ms", "tokens/s", "useful GFLOP/s", "of the matmul peak")
    return to_table(header, [_way_row(figures, way) for way in figures.ways])


def _way_row(figures: Figures, way: str) -> list[str]:
    runs = figures.of(way)
    useful = spread_of(runs, "useful_gflops")
    return [
        way,
        spread_of(runs, "rps").to_text(),
        *(_latency(runs, percent).to_text(0) for percent in PERCENTS),
        f"{spread_of(runs, 'tokens_per_s').median:.0f}",
        useful.to_text(),
        f"{useful.median / figures.peak_gflops:.0%}",
    ]


def _lone_line(figures: Figures) -> str:
    lones = figures.lones
    served = Spread.of([lone.served_p50_ms for lone in lones])
    bare = Spread.of([lone.bare_p50_ms for lone in lones])
    ratio = Spread.of([lone.ratio for lone in lones])
    return (
        f"A lone client of berth waits {served.to_text()} ms (p50); tokenising, forward pass and pooling of the same "
        f"texts in one process take {bare.to_text()} ms: {ratio.to_text(2)} times as long. The measured fp32 matmul "
        f"peak is {figures.peak_gflops:.0f} GFLOP/s (by round: {', '.join(f'{x:.0f}' for x in figures.matmul_gflops)})."
    )


def _rounds_table(figures: Figures) -> str:
    header = (
        "round",
        "way",
        "requests",
        "errors",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "client's cores",
        "others' cores",
        "difference",
    )
    return to_table(header, [_run_row(run) for run in figures.runs])


def _run_row(run: Run) -> list[str]:
    return [
        str(run.round),
        run.way,
        str(run.requests),
        str(run.errors),
        f"{run.rps:.1f}",
        f"{run.latency_ms(50):.0f}",
        f"{run.latency_ms(99):.0f}",
        f"{run.client_cores:.3f}",
        f"{run.other_cores:.2f}",
        f"{run.max_difference:.1e}",
    ]


def to_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that is also readable in a terminal."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = (header, ["-" * width for width in widths], *rows)
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def to_list(facts: Mapping[str, object]) -> str:
    return "\n".join(f"- {name}: {_plain(value)}" for name, value in facts.items())


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    return f"`{value}`" if isinstance(value, str) else str(value)
