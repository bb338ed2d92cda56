"""Exchanges -> the figures of a run; runs -> the figures of the benchmark. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .load import LoadResult
from .stats import Spread, percentile
from .texts import num_tokens
from .work import EncoderShape

BERTH = "berth"
GOAL_RATIO = 4.0
FLOOR_RATIO = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One way under load, once."""

    way: str
    round: int
    requests: int
    errors: int
    duration_s: float
    rps: float
    tokens_per_s: float
    useful_gflops: float
    """GFLOP/s spent on the answered texts, padding left out."""
    client_cores: float
    """Cores that the load generator kept busy."""
    other_cores: float
    """Cores that processes without a part in the run kept busy."""
    max_difference: float
    """The largest difference between a sampled answer and the bare forward pass."""
    latencies_ms: Sequence[float]

    def latency_ms(self, percent: float) -> float:
        """A percentile of the latencies."""
        return percentile(self.latencies_ms, percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lone:
    """A lone client of berth beside the bare forward pass of the same texts, once."""

    round: int
    requests: int
    errors: int
    served_p50_ms: float
    bare_p50_ms: float

    @property
    def ratio(self) -> float:
        """Times as long as the bare forward pass: 1 would be a server that costs nothing."""
        return self.served_p50_ms / self.bare_p50_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that was measured."""

    runs: Sequence[Run]
    lones: Sequence[Lone]
    matmul_gflops: Sequence[float]
    """The measured peak of fp32 matrix products, by round."""

    @property
    def ways(self) -> list[str]:
        """The names of the ways, in the order in which they ran."""
        return list(dict.fromkeys(run.way for run in self.runs))

    @property
    def peak_gflops(self) -> float:
        """The peak of the best round: a share of the peak must not profit from a noisy neighbour."""
        return max(self.matmul_gflops)

    @property
    def ratios(self) -> list[float]:
        """berth's requests/s over those of the better rival, by round."""
        rounds = sorted({run.round for run in self.runs})
        return [self._ratio([run for run in self.runs if run.round == number]) for number in rounds]

    @property
    def num_errors(self) -> int:
        """Requests that were not answered well."""
        return sum(run.errors for run in self.runs) + sum(lone.errors for lone in self.lones)

    def of(self, way: str) -> list[Run]:
        """The runs of one way."""
        return [run for run in self.runs if run.way == way]

    @staticmethod
    def _ratio(runs: Iterable[Run]) -> float:
        rps = {run.way: run.rps for run in runs}
        return rps[BERTH] / max(value for way, value in rps.items() if way != BERTH)


def measure_run(way: str, number: int, result: LoadResult, shape: EncoderShape, max_difference: float) -> Run:
    """The figures of one run."""
    tokens = [num_tokens(exchange.text) for exchange in result.exchanges]
    return Run(
        way=way,
        round=number,
        requests=len(tokens),
        errors=result.num_errors,
        duration_s=result.duration_s,
        rps=len(tokens) / result.duration_s,
        tokens_per_s=sum(tokens) / result.duration_s,
        useful_gflops=sum(map(shape.gflop, tokens)) / result.duration_s,
        client_cores=result.cpu.client,
        other_cores=result.cpu.others,
        max_difference=max_difference,
        latencies_ms=latencies_ms(result),
    )


def latencies_ms(result: LoadResult) -> list[float]:
    """Latencies in the order in which the exchanges were kept, to 0.1 ms."""
    return [round((exchange.answered_s - exchange.sent_s) * 1000, 1) for exchange in result.exchanges]


def spread_of(runs: Sequence[Run], name: str) -> Spread:
    """The spread of one figure over runs."""
    return Spread.of([getattr(run, name) for run in runs])
