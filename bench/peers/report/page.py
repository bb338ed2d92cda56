"""A document -> the Markdown page for people. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...report import to_list, to_table
from ...stats import Spread
from ..measure.cell import BESIDE, BY_WRK, CLIENTS, CLOSED, LOAD_BESIDE, LONE, OPEN
from .summary import BERTH, Found, peak_share, ratios, rivals, select, spread, void_rounds

QUESTION = """How many requests per second does each way of serving answer on this machine, and how late, when all serve
the same checkpoint and are sent the same texts by the same load generator? Each peer has an environment of its own
(`bench/peers/requirements`), its own dynamic batches where it has them, and that of its settings that answered the
most in a short trial: one worker with all cores, or workers of one core. Its answers are compared with the bare
model's first, and a peer that answers wrongly is void. One server runs at a time. A figure is the median of the rounds,
followed by the lowest and the highest; other mixes and the open loop are measured in the first round."""
CLOSED_FIGURES = ("p50 ms", "p99 ms", "useful GFLOP/s")
SHORT = 100  # from here on a figure has no decimals
CLOSED_NOTE = "32 clients, each of which asks again as soon as it is answered: requests per second."
OPEN_NOTE = (
    "Requests come as a Poisson process, and latency counts from the moment when each was due. The load is a share of "
    "what the peer itself has just answered 32 clients, at the end beside a process that keeps one core busy; p50 / "
    "p99 in ms, and how many were refused or lost."
)


def to_page(document: Mapping[str, Any], plots: Sequence[str]) -> str:
    """The page, with links to plots that lie beside it."""
    known = ("schema_version", "benchmark", "models", "settings")
    settings = document["settings"] | {"rounds": measured_rounds(document)}
    facts = {name: value for name, value in document.items() if name not in known}
    parts = ["# berth beside its peers", QUESTION, *(f"![{name}]({name})" for name in plots)]
    for name, model in document["models"].items():
        parts += model_parts(name, model)
    parts += ["## Where these figures come from", to_list({**facts, **settings})]
    return "\n\n".join(parts)


def measured_rounds(document: Mapping[str, Any]) -> dict[str, str]:
    """How many rounds each model has of those that were asked for: a run may have been cut off."""
    asked = document["settings"]["rounds"]
    return {name: f"{len(model['peaks_gflops'])} of {asked}" for name, model in document["models"].items()}


def model_parts(name: str, model: Found) -> Iterator[str]:
    """The headings, tables and sentences of one model."""
    mixes = list(dict.fromkeys(cell["mix"] for cell in model["cells"]))
    yield f"## {name}"
    yield from verdicts(model, mixes[0])
    yield CLOSED_NOTE
    yield to_table(("peer", *mixes), [[peer, *_rates(model, peer, mixes)] for peer in model["peers"]])
    yield f"The first mix more closely, `{mixes[0]}`; a lone client; what wrk counts in the same closed loop:"
    head = ("peer", "precision", *CLOSED_FIGURES, "of the peak", "lone p50 ms", "lone p99 ms", "requests/s by wrk")
    yield to_table(head, [_closely(model, peer, mixes[0]) for peer in model["peers"]])
    if loads := sorted({cell["load"] for cell in select(model, kind=OPEN)}):
        yield OPEN_NOTE
        loaded = ("peer", *(f"{load:.0%}" for load in loads), "beside: requests/s", f"beside: {LOAD_BESIDE:.0%}")
        yield to_table(loaded, [_open(model, peer, loads) for peer in model["peers"]])
    yield "Settings that were tried, their requests/s in the trial, and the least cosine to the bare model's answers:"
    yield "\n".join(_tried(*item) for item in model["peers"].items())
    yield from _remarks(model)


def verdicts(model: Found, mix: str) -> Iterator[str]:
    """How berth stands beside the best peers, in sentences."""
    for berth, precision in ((BERTH, "fp32"), (BERTH, None), (f"{BERTH}, fastest", None)):
        others = rivals(model, precision)
        if found := ratios(model, mix, berth, others):
            rates = {other: median(model, other, mix, CLOSED, "rps") for other in others}
            best = max(rates, key=lambda other: rates[other])
            which = f"best peer in {precision}" if precision else "best peer of any precision"
            yield f"**{berth}** answers {Spread.of(found).to_text(2)} times the requests/s of the {which} ({best})."
    yield from lone_verdict(model, mix)


def lone_verdict(model: Found, mix: str) -> Iterator[str]:
    """How long a lone client of each berth waits, beside the peer where it waits the shortest."""
    waits = {peer: median(model, peer, mix, LONE, "p50_ms") for peer in model["peers"]}
    waits = {peer: wait for peer, wait in waits.items() if wait}
    others = [peer for peer in rivals(model) if peer in waits]
    first = min(others, key=lambda peer: waits[peer], default=None)
    for peer in [peer for peer in waits if peer not in others] if first else ():
        yield f"A lone client of **{peer}** waits {waits[peer]:.1f} ms (p50), of {first} {waits[first]:.1f} ms."


def median(model: Found, peer: str, mix: str, kind: str, name: str) -> float:
    """A figure's median over the rounds; 0 where it was not measured."""
    found = spread(select(model, peer=peer, mix=mix, kind=kind), name)
    return found.median if found else 0.0


def _rates(model: Found, peer: str, mixes: Sequence[str]) -> Iterator[str]:
    void = {cell["mix"] for cell in model["cells"] if cell["peer"] == peer and cell["void"]}
    for mix in mixes:
        text = _text(select(model, peer=peer, mix=mix, kind=CLOSED), "rps")
        yield text or ("void" if mix in void else "-")


def _closely(model: Found, peer: str, mix: str) -> list[str]:
    many, lone, by_wrk = (select(model, peer=peer, mix=mix, kind=kind) for kind in (CLOSED, LONE, BY_WRK))
    share = Spread.of([peak_share(model, cell) for cell in many]).median if many else 0.0
    return [
        peer,
        model["peers"][peer]["precision"],
        *(_text(many, name) for name in ("p50_ms", "p99_ms", "useful_gflops")),
        f"{share:.0%}",
        *(_text(lone, name) for name in ("p50_ms", "p99_ms")),
        _text(by_wrk, "rps") or "-",
    ]


def _open(model: Found, peer: str, loads: Sequence[float]) -> list[str]:
    alone = (_late(select(model, peer=peer, kind=OPEN, load=load)) for load in loads)
    capacity, beside = (select(model, peer=peer, kind=BESIDE, load=load) for load in (CLIENTS, LOAD_BESIDE))
    return [peer, *alone, _text(capacity, "rps") or "-", _late(beside)]


def _late(cells: Sequence[Found]) -> str:
    if not cells:
        return "-"
    refused = f", {cells[0]['errors']} refused" if cells[0]["errors"] else ""
    return f"{cells[0]['p50_ms']:.0f} / {cells[0]['p99_ms']:.0f}{refused}"


def _text(cells: Sequence[Found], name: str) -> str:
    found = spread(cells, name)
    if found is None:
        return ""
    digits = 0 if found.median >= SHORT else 1
    return found.to_text(digits) if found.low < found.high else f"{found.median:.{digits}f}"


def _tried(name: str, peer: Found) -> str:
    tried = "; ".join(f"{setting}: {rate}" for setting, rate in peer["tried"].items())
    return f"- {name}: {tried}; cosine {peer['least_cosine']}"


def _remarks(model: Found) -> Iterator[str]:
    skipped = [f"- {name}: {why}" for name, why in model["skipped"].items()]
    voids = [f"- {cell['peer']}, {cell['mix']}: {cell['void']}" for cell in model["cells"] if cell["void"]]
    if skipped or voids:
        yield "Not measured, or void:"
        yield "\n".join((*skipped, *voids))
    peaks = "; ".join(", ".join(f"{name} {value}" for name, value in each.items()) for each in model["peaks_gflops"])
    void = void_rounds(model) or "none"
    cores = (spread(select(model, kind=CLOSED), f"{who}_cores") for who in ("client", "other"))
    client, other = (each.to_text(2) if each else "-" for each in cores)
    yield f"The load generator kept {client} cores busy, and processes without a part in the run {other}."
    yield f"Best matrix products by round, in GFLOP/s: {peaks}. Rounds that do not count: {void}."
