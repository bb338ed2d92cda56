"""The launcher's numbers, of models and GPUs that a test makes up, in promtool's eyes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from berth.archive.served_model import ServedModel
from berth.exposition import Family, Kind, Sample, render
from berth.machine.nvidia_smi import GpuUse
from berth.monitoring.launcher import _of_gpus
from berth.monitoring.remembered import Remembered

GAUGE = Family(name="berth_level", kind=Kind.GAUGE, unit="1", meaning="how high it is", labels=("place",))


def test_labels_are_escaped_and_the_first_of_equals_counts() -> None:
    samples = [Sample(value=number, labels={"place": 'a"b\\c\nd'}) for number in (1.5, 2)]
    assert render({GAUGE: samples}) == (
        "# HELP berth_level how high it is\n# TYPE berth_level gauge\n" + 'berth_level{place="a\\"b\\\\c\\nd"} 1.5\n'
    )


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: it comes with Debian's package prometheus")
def test_promtool_reads_what_is_escaped() -> None:
    text = render({GAUGE: [Sample(value=2**40 + 0.5, labels={"place": 'a"b\\c\nd'})]})
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert "1099511627776.5" in text


def test_what_costs_much_is_found_out_once_in_its_time() -> None:
    now_s, found = [0.0], iter((1, 2))
    remembered = Remembered(lambda: next(found), 5.0, lambda: now_s[0])
    assert (remembered(), remembered()) == (1, 1)
    now_s[0] = 5.0
    assert remembered() == 2


def test_a_gpu_keeps_its_name_whatever_comes_before_it() -> None:
    gpus = [GpuUse(uuid=uuid, busy_ratio=0.5, used_bytes=1, total_bytes=2) for uuid in ("GPU-2b", "GPU-1a")]
    names = {"GPU-1a"}, {"GPU-1a", "GPU-2b"}
    assert tuple({sample.labels["gpu"] for _, sample in _of_gpus(seen)} for seen in (gpus[1:], gpus)) == names


def test_a_folder_without_a_list_of_digests_has_none(tmp_path: Path) -> None:
    assert ServedModel(name="bert", version="1.0", folder=tmp_path).content_id == ""
