"""One measurement: a peer under one load, once. From what was seen to the figures that are kept. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from berth.tune.open_loop import Sent

from ...cpu import CpuShares
from ...load import LoadResult
from ...stats import percentile
from ...work import EncoderShape

CLOSED, LONE, OPEN, BY_WRK = "closed", "lone", "open", "by wrk"
BESIDE = "beside"
CLIENTS = 32
LOAD_BESIDE = 0.7
"""Arrivals beside a busy neighbour, as a share of what is answered there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is kept of one measurement, but for its latencies."""

    model: str
    peer: str
    mix: str
    round: int
    kind: str
    """`closed`: clients that ask again when answered, `by wrk` too; `lone`: one such; `open`: Poisson arrivals.
    `beside`: closed and open, beside a process that keeps one core busy."""
    load: float
    """Clients; in an open loop, arrivals as a share of the requests/s that the peer has just answered 32 clients."""
    requests: int = 0
    """Answered well."""
    errors: int = 0
    """Refused, or not answered."""
    rps: float = 0.0
    useful_gflops: float = 0.0
    """GFLOP/s spent on the answered texts, padding left out."""
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    client_cores: float = 0.0
    other_cores: float = 0.0
    """Cores that processes without a part in the run kept busy."""
    void: str = ""
    """Why there are no figures."""

    @property
    def key(self) -> str:
        """Names this cell's raw latencies."""
        return "/".join((self.model, self.mix, self.peer, self.kind, f"{self.load:g}", str(self.round)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the texts of a model cost."""

    shape: EncoderShape
    tokens: Mapping[str, int]

    def gflops(self, texts: Sequence[str], duration_s: float) -> float:
        """GFLOP/s of these texts, answered in this time."""
        return sum(self.shape.gflop(self.tokens[text]) for text in texts) / duration_s


def latencies_of(result: LoadResult) -> list[float]:
    """Milliseconds of a closed loop's answers."""
    return [1000 * (each.answered_s - each.sent_s) for each in result.exchanges]


def open_latencies(sent: Sequence[Sent]) -> list[float]:
    """Milliseconds from the moment a request was due, of those that were answered well."""
    return [1000 * each.latency_s for each in sent if each.status == 200]


def closed_figures(result: LoadResult, work: Work) -> dict[str, float]:
    """The figures of a closed loop."""
    texts = [each.text for each in result.exchanges]
    return {
        "errors": result.num_errors,
        "rps": len(texts) / result.duration_s,
        "useful_gflops": work.gflops(texts, result.duration_s),
        **summary(latencies_of(result)),
        **_cores(result.cpu),
    }


def open_figures(sent: Sequence[Sent], cpu: CpuShares) -> dict[str, float]:
    """The figures of an open loop; its rate is that of the good answers, to the end of the last."""
    latencies_ms = open_latencies(sent)
    ended_s = max((each.answered_s for each in sent if each.status == 200), default=0.0)
    duration_s = ended_s - min(each.due_s for each in sent)
    return {
        "errors": len(sent) - len(latencies_ms),
        "rps": len(latencies_ms) / duration_s if latencies_ms else 0.0,
        **summary(latencies_ms),
        **_cores(cpu),
    }


def summary(latencies_ms: Sequence[float]) -> dict[str, float]:
    """How many there are, and their percentiles; nothing but the number where there are none."""
    if not latencies_ms:
        return {"requests": 0}
    percentiles = {f"p{percent}_ms": percentile(latencies_ms, percent) for percent in (50, 99)}
    return {"requests": len(latencies_ms), **percentiles}


def _cores(cpu: CpuShares) -> dict[str, float]:
    return {"client_cores": cpu.client, "other_cores": cpu.others}
