"""Each alert fires where it should and nowhere else, in promtool's eyes; the files are what the source says."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.monitoring.rules import ALERTS, groups, scaled
from berth.monitoring.written import written

ROOT = Path(__file__).parents[4]
MODEL = 'model_name="bert",model_version="1.0"'
ANSWERS, REFUSED = "berth_front_answers_total", "berth_front_refusals_total"
SECONDS = "berth_front_request_seconds"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: it comes with Debian's package prometheus"
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Series, as promtool writes them; at which time, and what must fire then."""

    series: dict[str, str]
    at: str
    fire: set[str]
    every: str = "1m"
    """Between two values; the rules are evaluated each minute."""


def traffic(
    lost: str, refused: str, slow: int, *, requests: int = 100, model: str = MODEL, le: str = "1"
) -> dict[str, str]:
    """So many good requests a minute for 90 minutes; beside them some that are lost or refused, of them some slow."""
    return {
        f'{ANSWERS}{{{model},code="2xx"}}': f"0+{requests}x90",
        f'{ANSWERS}{{{model},code="5xx"}}': lost,
        f'{REFUSED}{{{model},reason="overloaded"}}': refused,
        f'{SECONDS}_bucket{{{model},le="{le}"}}': f"0+{requests - slow}x90",
        f"{SECONDS}_count{{{model}}}": f"0+{requests}x90",
    }


LEVELS = {
    "BerthSaturated": {  # one worker, which has taken 64 of the 128 that the front lets in
        f"berth_front_waiting{{{MODEL}}}": "{}x30",
        f"berth_queue_requests{{{MODEL}}}": "64x30",
        f"berth_queue_limit{{{MODEL}}}": "128x30",
    },
    "BerthRequestStuck": {f"berth_front_oldest_seconds{{{MODEL}}}": "{}x30"},
    "BerthNotReady": {"berth_ready": "{}x30"},
    "BerthWorkersMissing": {f"berth_workers_ready{{{MODEL}}}": "{}x30", f"berth_workers_wanted{{{MODEL}}}": "2x30"},
    "BerthMemoryNearLimit": {
        'berth_memory_used_bytes{part="java"}': "{}x30",
        'berth_memory_used_bytes{part="workers"}': "50x30",
        "berth_memory_limit_bytes": "100x30",
    },
    "BerthSelfTestFailed": {f'berth_deep_checks_total{{{MODEL},verdict="wrong"}}': "{}"},
    "BerthWorkersRestart": {f"berth_worker_restarts_total{{{MODEL}}}": "{}"},
    "BerthRestarts": {"berth_start_time_seconds": "{}"},
    "BerthInstanceDown": {  # beside a good one, and a target that never was berth's
        'up{job="berth",instance="b"}': "{}",
        'berth_info{job="berth",instance="b"}': "1x10",
        'up{job="node",instance="b"}': "0x30",
    },
}
GOOD_AND_BAD = {
    "BerthSaturated": ("0", "430"),
    "BerthRequestStuck": ("60", "61"),
    "BerthNotReady": ("1", "0"),
    "BerthWorkersMissing": ("2", "1"),
    "BerthMemoryNearLimit": ("40", "41"),
    "BerthSelfTestFailed": ("7x30", "0x22 1 2x7"),
    "BerthWorkersRestart": ("7x30", "0x15 1x5 2x9"),
    "BerthRestarts": ("1x10 2x20", "1x10 2x10 3x10"),
    "BerthInstanceDown": ("1x30", "1x10 0x20"),
}
UP = {"berth_info": "1x90"}
QUIET = ("0x90", "0x90", 0)
WITHOUT_FRONT = {f"berth_queue_requests{{{MODEL}}}": "103x30", f"berth_queue_limit{{{MODEL}}}": "128x30"}
ONE_STEP = "0x34 1x10"
"""Each 40 s: seen 20 s after a value, `increase` makes more than 1 of it."""
CASES = [
    Case(series=UP | traffic(*QUIET), at="80m", fire=set()),
    Case(series=traffic(*QUIET), at="80m", fire={"BerthDown"}),
    Case(series=UP | traffic("0+2x90", "0x90", 0), at="80m", fire={"BerthErrorsBurnFast", "BerthErrorsBurnSlow"}),
    Case(series=UP | traffic("0x90", "0+1x90", 0), at="80m", fire={"BerthErrorsBurnSlow"}),
    Case(series=UP | traffic("0+2x30 60x60", "0x90", 0), at="75m", fire=set()),
    Case(series=UP | traffic("0x90", "0x90", 20), at="80m", fire={"BerthSlowBurnFast", "BerthSlowBurnSlow"}),
    Case(series=UP | traffic("0x90", "0x90", 8), at="80m", fire={"BerthSlowBurnSlow"}),
    Case(series=UP | traffic("0x90", "0x90", 8, le="1.0"), at="80m", fire={"BerthSlowBurnSlow"}),
    Case(  # a small version, all of whose requests are lost, beside a large one that is well
        series=UP
        | traffic(*QUIET, requests=1000)
        | traffic("0+1x90", "0x90", 0, requests=0, model='model_name="bert",model_version="2.0"'),
        at="80m",
        fire={"BerthErrorsBurnFast", "BerthErrorsBurnSlow"},
    ),
    Case(series=UP | WITHOUT_FRONT, at="25m", fire={"BerthSaturated"}),
    *(
        Case(series=UP | {name: level.format(ONE_STEP)}, at="25m", fire=set(), every="40s")
        for alert in ("BerthSelfTestFailed", "BerthWorkersRestart")
        for name, level in LEVELS[alert].items()
    ),
    *(
        Case(
            series=UP | {name: level.format(value) for name, level in LEVELS[alert].items()},
            at="25m",
            fire={alert} if is_bad else set(),
        )
        for alert, values in GOOD_AND_BAD.items()
        for is_bad, value in enumerate(values)
    ),
]


def as_test(case: Case) -> dict[str, Any]:
    """One of promtool's tests: every alert, with what must fire of it."""
    return {
        "interval": case.every,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [
            {
                "expr": f'count by (alertname) (ALERTS{{alertname="{alert.name}",alertstate="firing"}})',
                "eval_time": case.at,
                "exp_samples": [{"labels": f'{{alertname="{alert.name}"}}', "value": 1}] * (alert.name in case.fire),
            }
            for alert in ALERTS
        ],
    }


@needs_promtool
def test_each_alert_fires_where_it_should_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text(json.dumps({"groups": groups()}))
    tests = [as_test(case) for case in CASES]
    (tmp_path / "tests.json").write_text(json.dumps({"rule_files": ["rules.json"], "tests": tests}))
    ran = subprocess.run(
        ["promtool", "test", "rules", "tests.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert set().union(*(case.fire for case in CASES)) == {alert.name for alert in ALERTS}


@needs_promtool
def test_promtool_finds_no_fault_with_the_file() -> None:
    checked = subprocess.run(
        ["promtool", "check", "rules", "docs/monitoring/alerts.yaml"], cwd=ROOT, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", written(), ids=str)
def test_a_file_is_what_the_source_says(path: Path) -> None:
    assert (ROOT / path).read_text("utf-8") == written()[path], "`make monitoring` writes it"


def test_google_gets_the_same_rules() -> None:
    own = yaml.safe_load((ROOT / "docs/monitoring/alerts.yaml").read_text("utf-8"))
    managed = yaml.safe_load((ROOT / "k8s/components/monitoring/rules.yaml").read_text("utf-8"))
    assert managed["spec"] == own


def test_the_document_says_what_to_do_about_each() -> None:
    document, troubleshooting = (
        (ROOT / "docs" / name).read_text("utf-8") for name in ("monitoring.md", "troubleshooting.md")
    )
    for alert in ALERTS:
        assert f"[{alert.name}](monitoring.md#{alert.name.lower()})" in troubleshooting
        assert f"### {alert.name}\n\n{alert.severity.capitalize()}. {alert.runbook}.\n" in document


def test_a_drill_has_shorter_times() -> None:
    assert [scaled("6h", 1 / 60), scaled("30s", 1 / 60), scaled("5m", 1.0)] == ["360s", "1s", "5m"]
    rules = {rule["alert"]: rule for rule in groups(1 / 60)[1]["rules"]}
    assert (rules["BerthNotReady"]["for"], "[5s]" in rules["BerthSelfTestFailed"]["expr"]) == ("5s", True)
