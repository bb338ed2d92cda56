"""What the dashboard shows: every panel with its queries, which are all of metrics in docs/metrics.md."""

from dataclasses import dataclass

RATE = "[$__rate_interval]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A graph of one or more queries."""

    title: str
    unit: str
    """One of Grafana's: `s`, `bytes`, `reqps`, `percentunit`, `short`."""
    queries: dict[str, str]
    """PromQL by the legend of its series, in which {{label}} stands for a label's value."""
    needs_gpu: bool = False


def _by(labels: str, query: str, function: str = "sum") -> str:
    return f"{function} by ({labels}) ({query})"


def _rate(counter: str, labels: str = "model_name") -> str:
    return _by(labels, f"rate({counter}{RATE})")


def _mean(histogram: str) -> str:
    return f"{_rate(f'{histogram}_sum')} / {_rate(f'{histogram}_count')}"


def _quantile(share: float, histogram: str) -> str:
    return f"histogram_quantile({share}, {_rate(f'{histogram}_bucket', 'le, model_name')})"


NAME = "{{model_name}}"
VERSION = f"{NAME} {{{{model_version}}}}"
ROWS: dict[str, tuple[Panel, ...]] = {
    "Requests": (
        Panel(
            title="Answers",
            unit="reqps",
            queries={f"{VERSION} {{{{code}}}}": _rate("berth_front_answers_total", "model_name, model_version, code")},
        ),
        Panel(
            title="How long requests take",
            unit="s",
            queries={
                f"{NAME} p{share:.0%}".rstrip("%"): _quantile(share, "berth_front_request_seconds")
                for share in (0.5, 0.95, 0.99)
            },
        ),
        Panel(
            title="Under way",
            unit="short",
            queries={
                "all under way": "sum(berth_front_under_way)",
                f"{NAME} under way": _by("model_name", "berth_front_requests"),
                f"{NAME} waiting in the front": _by("model_name", "berth_front_waiting"),
                f"{NAME} in TorchServe's queue": _by("model_name", "berth_queue_requests"),
                f"{NAME} most in TorchServe's queue": _by("model_name", "berth_queue_limit"),
            },
        ),
        Panel(
            title="Waits",
            unit="s",
            queries={
                f"{NAME} oldest request": _by("model_name", "berth_front_oldest_seconds", "max"),
                f"{NAME} estimate": _by("model_name", 'berth_front_wait_seconds{priority="normal"}', "max"),
                f"{NAME} deep check": _by("model_name", "berth_check_wait_seconds", "max"),
            },
        ),
        Panel(
            title="Refused by the front",
            unit="reqps",
            queries={f"{NAME} {{{{reason}}}}": _rate("berth_front_refusals_total", "model_name, reason")},
        ),
        Panel(title="Connections", unit="short", queries={"connections": "sum(berth_front_connections)"}),
        Panel(
            title="Lost and slow requests",
            unit="percentunit",
            queries={
                f"{VERSION} lost": "berth:lost:ratio_rate5m",
                f"{VERSION} slow": "berth:slow:ratio_rate5m",
            },
        ),
    ),
    "Batches": (
        Panel(
            title="Requests in a batch",
            unit="short",
            queries={NAME: f"{_rate('berth_requests_total')} / {_rate('berth_batches_total')}"},
        ),
        Panel(
            title="A batch's time",
            unit="s",
            queries={
                f"{NAME} p95": _quantile(0.95, "berth_request_seconds"),
                f"{NAME} mean": _mean("berth_request_seconds"),
                f"{NAME} tokenise": _mean("berth_tokenize_seconds"),
                f"{NAME} forward": _mean("berth_forward_seconds"),
            },
        ),
        Panel(title="Tokens a second", unit="short", queries={NAME: _rate("berth_tokens_total")}),
        Panel(title="Workers that compute", unit="short", queries={NAME: _rate("berth_forward_seconds_sum")}),
        Panel(
            title="Errors, cut inputs, passes without memory",
            unit="reqps",
            queries={
                f"{NAME} {{{{code}}}}": _rate("berth_errors_total", "model_name, code"),
                f"{NAME} cut": _rate("berth_truncated_inputs_total"),
                f"{NAME} no memory": _rate("berth_out_of_memory_total"),
            },
        ),
    ),
    "Server": (
        Panel(
            title="Ready, live",
            unit="short",
            queries={"ready": "sum(berth_ready)", "live": "sum(berth_live)", "servers": "count(berth_info)"},
        ),
        Panel(
            title="Workers",
            unit="short",
            queries={
                f"{NAME} loaded": _by("model_name", "berth_workers_ready"),
                f"{NAME} wanted": _by("model_name", "berth_workers_wanted"),
                f"{NAME} restarts in 15 min": _by("model_name", "increase(berth_worker_restarts_total[15m])"),
            },
        ),
        Panel(
            title="Memory",
            unit="bytes",
            queries={
                "{{part}}": _by("part", "berth_memory_used_bytes"),
                "predicted": "sum(berth_memory_predicted_bytes)",
                "limit": "sum(berth_memory_limit_bytes)",
            },
        ),
        Panel(
            title="Deep checks",
            unit="reqps",
            queries={f"{NAME} {{{{verdict}}}}": _rate("berth_deep_checks_total", "model_name, verdict")},
        ),
        Panel(
            title="How far known answers are off",
            unit="short",
            queries={NAME: _by("model_name", "berth_check_difference", "max")},
        ),
        Panel(
            title="Seconds since the start",
            unit="s",
            queries={"{{instance}}": "time() - berth_start_time_seconds"},
        ),
        Panel(
            title="Served",
            unit="short",
            queries={
                f"{VERSION}: {{{{task}}}}, {{{{engine}}}}, {{{{precision}}}}": _by(
                    "model_name, model_version, task, engine, precision", "berth_model_info", "count"
                ),
                f"{NAME}: tokens a pass": _by("model_name", "berth_token_budget", "max"),
            },
        ),
        Panel(
            title="GPUs", unit="percentunit", queries={"{{instance}} {{gpu}}": "berth_gpu_busy_ratio"}, needs_gpu=True
        ),
        Panel(
            title="GPUs' memory",
            unit="bytes",
            queries={
                "{{instance}} {{gpu}} used": "berth_gpu_memory_used_bytes",
                "{{instance}} {{gpu}} in all": "berth_gpu_memory_bytes",
            },
            needs_gpu=True,
        ),
    ),
}
PANELS = tuple(panel for panels in ROWS.values() for panel in panels)
