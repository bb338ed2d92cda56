"""Alert rules, written once: for a Prometheus of one's own, and for Google's managed one.

Availability and latency are held against an objective, by how fast the month's budget of errors burns (Site
Reliability Workbook, chapter 5): a fast burn calls somebody, a slow one can wait until the morning.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

AVAILABILITY = 0.999
"""Of a month's requests, so many are not answered with an error of the server's, nor refused for want of time."""
LATENCY = 0.99
"""Of a month's answers, so many come within SLOW_S seconds."""
SLOW_S = "1"
SLOW_BUCKET = f'{{le=~"{SLOW_S}(\\\\.0)?"}}'
"""That bucket as we write it, and as Prometheus 3 keeps it: le="1.0"."""
RUNBOOK = "docs/monitoring.md"
WINDOWS = ("5m", "30m", "1h", "6h")
DURATION = re.compile(r"\b(\d+)([smh])\b")
SECONDS = {"s": 1, "m": 60, "h": 3600}
ANSWERED = "berth_front_answers_total"
REFUSED = 'berth_front_refusals_total{reason="overloaded"}'
TOOK = "berth_front_request_seconds"
TWICE = 1.5
"""`increase` of one step between two scrapes is more than 1: it is drawn out to the whole range."""
VERSION = "{{ $labels.model_name }} {{ $labels.model_version }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, and what to do about it."""

    name: str
    when: str
    """PromQL."""
    lasts: str = "0s"
    """For how long it must be so."""
    severity: str = "warning"
    """`critical` calls somebody, `warning` waits until the morning."""
    summary: str
    runbook: str
    """The line of docs/monitoring.md: where to look, and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A ratio that is computed once for several alerts."""

    name: str
    is_: str
    """PromQL."""


def records() -> Iterator[Record]:
    """Yield, for each window, which part of a version's requests was lost, and which part of its answers was slow."""
    for window in WINDOWS:
        lost = _sum(f'{ANSWERED}{{code="5xx"}}', window), _sum(REFUSED, window)
        asked = _sum(ANSWERED, window), _sum(REFUSED, window)
        lost_ratio = "(\n  {}\n  + {}\n)\n/ (\n  {}\n  + {}\n  > 0\n)".format(*lost, *asked)
        yield Record(name=f"berth:lost:ratio_rate{window}", is_=lost_ratio)
        quick, count = _sum(f"{TOOK}_bucket{SLOW_BUCKET}", window), _sum(f"{TOOK}_count", window)
        yield Record(name=f"berth:slow:ratio_rate{window}", is_=f"1 - {quick}\n/ ({count} > 0)")


def _sum(counter: str, window: str) -> str:
    return f"sum by (model_name, model_version) (rate({counter}[{window}]))"


def _burn(what: str, budget: float, long: str, short: str, speed: float) -> str:
    most = f"{budget * speed:.4g}"
    return f"berth:{what}:ratio_rate{long} > {most} and berth:{what}:ratio_rate{short} > {most}"


LOST, SLOW = 1 - AVAILABILITY, 1 - LATENCY
ALERTS = (
    Alert(
        name="BerthErrorsBurnFast",
        when=_burn("lost", LOST, "1h", "5m", 14.4),
        lasts="2m",
        severity="critical",
        summary=VERSION + ": {{ $value | humanizePercentage }} of requests are lost",
        runbook="5xx: the log's last traceback, `berth_errors_total` by code. Refusals: as BerthSaturated",
    ),
    Alert(
        name="BerthErrorsBurnSlow",
        when=_burn("lost", LOST, "6h", "30m", 6),
        lasts="15m",
        summary=VERSION + ": {{ $value | humanizePercentage }} of requests were lost in 6 hours",
        runbook="The same, at leisure: which code, since which version or content (`digest` of `berth_model_info`)",
    ),
    Alert(
        name="BerthSlowBurnFast",
        when=_burn("slow", SLOW, "1h", "5m", 14.4),
        lasts="2m",
        severity="critical",
        summary=VERSION + ": {{ $value | humanizePercentage }} of answers took over " + SLOW_S + " s",
        runbook="Full queue: as BerthSaturated. Else longer texts, or a neighbour on the machine's cores",
    ),
    Alert(
        name="BerthSlowBurnSlow",
        when=_burn("slow", SLOW, "6h", "30m", 6),
        lasts="15m",
        summary=VERSION + ": {{ $value | humanizePercentage }} took over " + SLOW_S + " s in 6 hours",
        runbook="The same, at leisure; `berth tune` finds a split for the latency that you want",
    ),
    Alert(
        name="BerthSaturated",
        # What a worker has taken is in no queue, and the front lets only as many in as the queue holds: with a large
        # batch TorchServe's queue is never full. Without a front it alone shows what waits.
        when="berth_front_waiting > 0 or berth_queue_requests > 0.8 * berth_queue_limit",
        lasts="5m",
        summary=VERSION + ": {{ $value }} requests wait, and the workers do not catch up",
        runbook="More pods or workers (`berth scale` says how many memory holds); `x-priority: low` for what can wait",
    ),
    Alert(
        name="BerthRequestStuck",
        when="berth_front_oldest_seconds > 60",
        lasts="1m",
        summary=VERSION + ": a request has been under way for {{ $value }} s",
        runbook="A worker that hangs is replaced by itself; else a client with a long `x-timeout-ms` and a full queue",
    ),
    Alert(
        name="BerthSelfTestFailed",
        when=f'sum without (verdict) (increase(berth_deep_checks_total{{verdict=~"wrong|error"}}[5m])) > {TWICE}',
        severity="critical",
        summary=VERSION + ": a known text does not get its known answer",
        runbook="Keep the log and end the pod. If it comes again, the machine's memory or GPU is at fault",
    ),
    Alert(
        name="BerthNotReady",
        when="berth_ready == 0",
        lasts="5m",
        severity="critical",
        summary="{{ $labels.instance }} would not answer",
        runbook="`GET :8090/ready` says why, in a sentence",
    ),
    Alert(
        name="BerthWorkersMissing",
        when="berth_workers_ready < berth_workers_wanted",
        lasts="5m",
        summary=VERSION + ": {{ $value }} workers are loaded, and more are wanted",
        runbook="The log says why a worker ended: no memory, a GPU that is lost, a file that is gone",
    ),
    Alert(
        name="BerthWorkersRestart",
        when=f"increase(berth_worker_restarts_total[15m]) > {TWICE}",
        summary=VERSION + ": workers were started again {{ $value | humanize }} times in 15 minutes",
        runbook="The log before each restart: killed for memory (`dmesg`), hung and killed by berth, or its own end",
    ),
    Alert(
        name="BerthRestarts",
        when="changes(berth_start_time_seconds[30m]) > 1",
        summary="{{ $labels.instance }} was started again {{ $value }} times in 30 minutes",
        runbook="The last line of the log of before (`kubectl logs --previous`) says why it ended",
    ),
    Alert(
        name="BerthDown",
        when="absent(berth_info)",
        lasts="5m",
        severity="critical",
        summary="no berth is seen by Prometheus",
        runbook="No pod runs, or nobody scrapes port 8090: `kubectl get pods`, Prometheus' page of targets",
    ),
    Alert(
        name="BerthInstanceDown",
        when="up == 0 and on (job, instance) last_over_time(berth_info[1h])",
        lasts="5m",
        summary="{{ $labels.instance }} has not let itself be scraped for 5 minutes",
        runbook="Its log, its machine, the network between; `kubectl get pods` says whether another took its place",
    ),
    Alert(
        name="BerthMemoryNearLimit",
        when="sum without (part) (berth_memory_used_bytes) / berth_memory_limit_bytes > 0.9",
        lasts="5m",
        summary="{{ $labels.instance }}: {{ $value | humanizePercentage }} of its memory is taken",
        runbook="`berth_memory_used_bytes` by part beside `berth budget`: fewer workers, a larger limit, or a leak",
    ),
)


def groups(scale: float = 1.0) -> list[dict[str, Any]]:
    """Rule groups as Prometheus reads them; `scale` makes every time shorter, for a drill."""
    recorded = [{"record": each.name, "expr": _scaled(each.is_, scale)} for each in records()]
    return [
        {"name": "berth-ratios", "interval": scaled("30s", scale), "rules": recorded},
        {"name": "berth", "interval": scaled("30s", scale), "rules": [_rule(alert, scale) for alert in ALERTS]},
    ]


def scaled(duration: str, scale: float) -> str:
    """A duration times `scale`, as Prometheus writes it: at least a second."""
    number, unit = DURATION.fullmatch(duration).groups()  # type: ignore[union-attr]
    return duration if scale == 1.0 else f"{max(1, round(int(number) * SECONDS[unit] * scale))}s"


def _scaled(query: str, scale: float) -> str:
    return re.sub(r"\[(\w+)\]", lambda found: f"[{scaled(found[1], scale)}]", query)


def _rule(alert: Alert, scale: float) -> Mapping[str, Any]:
    return {
        "alert": alert.name,
        "expr": _scaled(alert.when, scale),
        **({} if alert.lasts == "0s" else {"for": scaled(alert.lasts, scale)}),
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook": f"{RUNBOOK}#{alert.name.lower()}"},
    }
