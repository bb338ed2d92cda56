"""The file beside an archive: when `berth serve` goes by it, and what it says where it does not."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from berth import __version__
from berth.archive.verify import content_id
from berth.errors import Refused
from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.quantities import GIB
from berth.machine.traits import Traits, read_traits
from berth.memory.plan import plan_memory
from berth.memory.split import Split
from berth.settings import Settings
from berth.tune.search import Step
from berth.tune.tuning import Tuning, find_tuning, require_writable, tuning_file, write_tuning
from tests.support.servers import CONFIG
from tests.support.standin import make_standin

MACHINE = Machine(memory=MemoryLimit(bytes=8 * GIB, source="this"), cores=2, num_gpus=0, gpu=None, not_forked=None)
SPLIT = Split(workers=2, threads=1, token_budget=1024)
PEAK = Step(rate=210.4, p50_ms=12.0, p99_ms=48.0, num_errors=0)
SETTINGS = Settings.load(CONFIG, {})
CPU_INFO = "processor: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 fma rdpid avx512_vnni\nprocessor: 1\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return make_standin(tmp_path)


def tuning_of(archive: Path) -> Tuning:
    return Tuning(
        archive=content_id(archive),
        machine=read_traits(MACHINE),
        berth=__version__,
        split=SPLIT,
        target_p99_ms=50.0,
        peak=PEAK,
    )


def test_what_was_tuned_here_is_used_and_said(archive: Path) -> None:
    assert find_tuning([archive], SETTINGS, MACHINE) == (None, None)
    write_tuning(tuning_file(archive), tuning_of(archive))
    split, line = find_tuning([archive], SETTINGS, MACHINE)
    assert split == SPLIT
    assert line == (
        "tuned (bert.tune.json): 2 workers x 1 thread, 1024 tokens a pass: 210 requests/s within a p99 of 50 ms"
    )


def test_the_file_has_all_that_it_holds_for(archive: Path) -> None:
    tuning = tuning_of(archive)
    assert Tuning.from_json(tuning.to_json()) == tuning
    assert Tuning.from_json(replace(tuning, peak=None).to_json()).peak is None
    assert json.loads(tuning.to_json())["schema_version"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"archive": "0" * 64}, "another content of this archive; run `berth tune` again"),
        ({"berth": "0.0.1"}, "berth 0.0.1 measured it, and this is"),
        ({"machine": replace(read_traits(MACHINE), cores=64)}, r"another machine \(cores 64 there, 2 here\)"),
        ({"machine": replace(read_traits(MACHINE), flags=("avx",))}, "its processor has other flags"),
        ({"machine": replace(read_traits(MACHINE), cpu="Z80")}, "cpu 'Z80' there"),
        ({"split": replace(SPLIT, threads=0)}, "cannot be read"),
    ],
)
def test_what_holds_for_something_else_is_not_used(archive: Path, change: dict[str, object], words: str) -> None:
    write_tuning(tuning_file(archive), replace(tuning_of(archive), **change))  # type: ignore[arg-type]
    split, line = find_tuning([archive], SETTINGS, MACHINE)
    assert split is None
    assert line is not None
    with pytest.raises(Refused, match=f"{tuning_file(archive).name} is not used: .*{words}"):
        raise Refused(line)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1, "split": 3}'])
def test_a_file_that_cannot_be_read_keeps_nobody_from_serving(archive: Path, content: str) -> None:
    tuning_file(archive).write_text(content)
    split, line = find_tuning([archive], SETTINGS, MACHINE)
    assert split is None
    assert line is not None
    assert "cannot be read" in line


def test_workers_that_somebody_asked_for_win(archive: Path) -> None:
    write_tuning(tuning_file(archive), tuning_of(archive))
    three = Settings.load(CONFIG, {"TS_DEFAULT_WORKERS_PER_MODEL": "3"})
    split, line = find_tuning([archive], three, MACHINE)
    assert (split, str(line).partition("not used: ")[2]) == (
        None,
        "it is for 2 workers, and 3 were asked for (default_workers_per_model)",
    )
    assert find_tuning([archive], SETTINGS, MACHINE, workers=3)[0] is None
    assert find_tuning([archive], SETTINGS, MACHINE, workers=2)[0] == SPLIT


def test_what_was_tuned_alone_is_not_used_beside_another(archive: Path, tmp_path: Path) -> None:
    write_tuning(tuning_file(archive), tuning_of(archive))
    (tmp_path / "other").mkdir()
    split, line = find_tuning([make_standin(tmp_path / "other"), archive], SETTINGS, MACHINE)
    assert split is None
    assert "served alone" in str(line)


def test_the_file_lies_beside_and_never_in_the_archive() -> None:
    assert tuning_file(Path("/store/bert.mar")) == Path("/store/bert.tune.json")
    assert tuning_file(Path("/store/bert-v1.5")) == Path("/store/bert-v1.5.tune.json")


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(Refused, match=r"/proc/bert\.tune\.json cannot be written: .*copy the archive"):
        require_writable(Path("/proc/bert.tune.json"))


def test_traits_are_what_matrices_are_multiplied_with(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(CPU_INFO)
    expected = Traits(cpu="Some CPU", flags=("avx2", "avx512_vnni", "fma"), cores=2, num_gpus=0, gpu="")
    assert read_traits(MACHINE, file) == expected
    assert read_traits(MACHINE, tmp_path / "absent").cpu
    assert asdict(expected)["flags"] == expected.flags


def test_memory_is_planned_for_what_was_tuned(sample_archive: Path) -> None:
    smaller = plan_memory([sample_archive], SETTINGS, MACHINE, split=SPLIT)
    larger = plan_memory([sample_archive], SETTINGS, MACHINE, split=replace(SPLIT, token_budget=4096))
    assert (smaller.workers, smaller.why_workers) == (2, "`berth tune` found them best here")
    assert smaller.least.total_bytes < larger.least.total_bytes
    little = replace(MACHINE, memory=MemoryLimit(bytes=smaller.least.total_bytes - 1, source="this"))
    tight = plan_memory([sample_archive], SETTINGS, little, split=SPLIT)
    assert (tight.workers, tight.why_workers) == (1, "`berth tune` found them best here; memory holds no more")
