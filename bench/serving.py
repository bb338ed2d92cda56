"""The course of the serving benchmark: pack the three ways, then measure one server at a time, round by round."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from berth.archive.write import write_archive
from berth.checkpoint_files import load_json
from berth.errors import BerthError
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.sources.sample import sample_folder
from berth.workers.environment import OPENMP_ENVIRONMENT

from .figures import BERTH, Figures, Lone, Run, latencies_ms, measure_run
from .load import LoadPlan, LoadResult, apply_load
from .machine import num_cores
from .rivals.bare import BareModel, largest_difference, measure_matmul_gflops
from .rivals.rival import Batching, plan_rival
from .server import served
from .stats import percentile
from .texts import mixed_texts, whole_words
from .work import EncoderShape

CLIENTS = 32
NUM_TEXTS = 2000
SEED = 1
LONE_S = 3.0
CHECK_EVERY = 20  # one answer in so many is compared with the bare model's, after the measurement
TOLERANCE = 1e-4  # for a vector of length 1; fp32 rounding in another order of sums is below 1e-6
RIVALS = {"example, batch 1": Batching(size=1, delay_ms=1), "example, batch 8": Batching(size=8, delay_ms=100)}

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How often and how long to measure."""

    rounds: int
    warm_up_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every round uses."""

    archives: dict[str, Path]
    """The archive of each way."""
    cache: Path
    texts: Sequence[str]
    bare: BareModel
    shape: EncoderShape
    effort: Effort


def settings_of(effort: Effort) -> dict[str, object]:
    """The settings that a reader needs to repeat the benchmark."""
    return {
        "model": "sentence-transformers/all-MiniLM-L6-v2, embeddings, fp32",
        "clients": CLIENTS,
        "texts": f"{NUM_TEXTS}, lognormal, mean about 24 tokens, seed {SEED}",
        "threads": num_cores(),
        "openmp of the servers": dict(OPENMP_ENVIRONMENT) or "defaults",
        "openmp of the bare model": "defaults",
        "rounds": effort.rounds,
        "warm_up_s": effort.warm_up_s,
        "duration_s": effort.duration_s,
    }


def run_rounds(effort: Effort, say: Say) -> Figures:
    """Measure every way once a round; BerthError when an answer is missing or wrong."""
    runs: list[Run] = []
    lones: list[Lone] = []
    peaks: list[float] = []
    with _prepared(effort, say) as bench:
        for number in range(1, effort.rounds + 1):
            peaks.append(measure_matmul_gflops())
            say(f"round {number} of {effort.rounds}: matmul peak {peaks[-1]:.0f} GFLOP/s")
            for way in bench.archives:
                run, lone = _measure_way(bench, way, number)
                say(f"round {number}: {way}: {run.rps:.1f} requests/s, p50 {run.latency_ms(50):.0f} ms")
                runs.append(run)
                lones += lone
    return Figures(runs=runs, lones=lones, matmul_gflops=peaks)


@contextmanager
def _prepared(effort: Effort, say: Say) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as folder:
        say("packing the sample model for every way")
        checkpoint = load_checkpoint(sample_folder(), None)
        archives = {BERTH: pack_checkpoint(None, PackOptions(name=BERTH, output=Path(folder))).archive}
        for way, batching in RIVALS.items():
            archives[way] = Path(folder, f"example-{batching.size}.mar")
            write_archive(plan_rival(checkpoint, archives[way].stem, batching), archives[way])
        words = whole_words((checkpoint.root / "vocab.txt").read_text(encoding="utf-8").split())
        yield Bench(
            archives=archives,
            cache=Path(folder, "cache"),
            texts=mixed_texts(words, NUM_TEXTS, SEED),
            bare=BareModel(checkpoint.root, num_cores()),
            shape=EncoderShape.from_config(load_json(checkpoint.root / "config.json")),
            effort=effort,
        )


def _measure_way(bench: Bench, way: str, number: int) -> tuple[Run, list[Lone]]:
    """Measure one server; what the bare model answers is computed when the server is gone."""
    with served(bench.archives[way], bench.cache) as url:
        loaded = apply_load(_load_plan(bench, url, CLIENTS, bench.effort.duration_s))
        alone = apply_load(_load_plan(bench, url, 1, LONE_S)) if way == BERTH else None
        for result in filter(None, (loaded, alone)):
            _require_answers(result)
    run = measure_run(way, number, loaded, bench.shape, _check_answers(bench.bare, way, loaded))
    return run, [_compare_lone(bench.bare, number, alone)] if alone else []


def _load_plan(bench: Bench, url: str, clients: int, duration_s: float) -> LoadPlan:
    warm_up_s = bench.effort.warm_up_s
    return LoadPlan(url=url, texts=bench.texts, clients=clients, warm_up_s=warm_up_s, duration_s=duration_s)


def _require_answers(result: LoadResult) -> None:
    if result.num_errors or not result.exchanges:
        raise BerthError(f"{result.num_errors} requests failed, {len(result.exchanges)} were answered in time")


def _check_answers(bare: BareModel, way: str, result: LoadResult) -> float:
    """The largest difference found in one answer of CHECK_EVERY; BerthError when it is too large."""
    checked = result.exchanges[::CHECK_EVERY]
    difference = max(largest_difference(json.loads(item.body), bare.embed(item.text)) for item in checked)
    if difference > TOLERANCE:
        raise BerthError(f"{way}: one of the {len(checked)} checked answers is off by {difference:.2g}")
    return difference


def _compare_lone(bare: BareModel, number: int, result: LoadResult) -> Lone:
    """A lone client beside the bare model, which is given the same texts in the same order."""
    _check_answers(bare, "a lone client", result)
    bare_s = bare.time_texts([exchange.text for exchange in result.exchanges])
    return Lone(
        round=number,
        requests=len(result.exchanges),
        errors=result.num_errors,
        served_p50_ms=percentile(latencies_ms(result), 50),
        bare_p50_ms=percentile(bare_s, 50) * 1000,
    )
