"""`berth pack --precision fastest`: what is proven is recorded and used, and what int8 breaks is never used in it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import AutoModel
from typer.testing import CliRunner

from berth.archive.content import MODEL_CONFIG, ArchivePlan
from berth.archive.verify import read_archive
from berth.archive.write import write_archive
from berth.cli.app import app
from berth.cli.summary import render_inspection, render_packed
from berth.errors import Refused, UsageError
from berth.inspection.inspect import inspect_archive
from berth.pack.options import PackOptions, WorkerOptions
from berth.pack.pack import Packed, pack_checkpoint
from berth.progress import Advance
from handler import config as handler_config
from handler.choose_engine import load_pipeline
from handler.config import Device, HandlerConfig, Task
from handler.known_answers import load_known_answers
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.tasks import TASKS
from handler.worker.environment import Environment
from tests.support.checkpoints import make_checkpoint

FASTEST = WorkerOptions(precision=Precision.FASTEST)
ENVIRONMENT = Environment(device=Device.CPU, cores=1, max_response_bytes=2**24)


def pack(folder: Path, output: Path, **options: Any) -> Packed:
    return pack_checkpoint(folder, PackOptions(output=output, worker=FASTEST, **options))


def load(packed: Packed, folder: Path, flags: set[str], monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The pipeline of a worker whose CPU has these flags."""
    folder.mkdir()
    read_archive(packed.archive, folder)
    config = HandlerConfig.from_mapping(yaml.safe_load((folder / "model-config.yaml").read_text())["handler"])
    known = load_known_answers(folder / "known_answers.json", TASKS[config.task])
    monkeypatch.setattr(handler_config, "cpu_flags", lambda: frozenset(flags))
    return load_pipeline(folder / "checkpoint", config, ENVIRONMENT, None, known)


def drown_weights(folder: Path) -> None:
    """Make int8 wrong and leave bf16 right: two channels are always 1, and what they bring to a matrix cancels out.

    Their weights, 256 and -256, stretch the scale of an int8 row until all others are rounded to little; bf16 gives
    each number digits of its own. Larger ones take so many digits of float32 that two orders of a sum differ by more
    than its tolerance on a CPU without AVX512. What the layer adds is made 16 times as large, so that it decides.
    """
    model = AutoModel.from_pretrained(folder)
    (layer,) = model.encoder.layer
    attention = layer.attention
    with torch.no_grad():
        for norm in (model.embeddings.LayerNorm, attention.output.LayerNorm):
            norm.weight[:2], norm.bias[:2] = 0.0, 1.0
        for linear in (attention.self.query, attention.self.key, attention.self.value, layer.intermediate.dense):
            linear.weight[:, 0], linear.weight[:, 1] = 256.0, -256.0
        for linear in (attention.output.dense, layer.output.dense):
            linear.weight *= 16
    model.save_pretrained(folder)


def test_what_is_proven_is_recorded_said_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_checkpoint(tmp_path / "model", "bert", Task.EMBEDDINGS)
    golden = tmp_path / "golden.txt"
    golden.write_text("a line of my own\n", "utf-8")
    packed = pack(folder, tmp_path, golden_file=golden)
    facts = inspect_archive(packed.archive).facts
    assert facts.precision == "fastest"
    assert set(facts.cpu_precisions) == {"bf16", "int8"}
    assert 0.999 <= facts.cpu_precisions["bf16"] < 1
    assert 0.99 <= facts.cpu_precisions["int8"] < 1
    assert f"int8 (least cosine {facts.cpu_precisions['int8']:.5f}), else fp32" in render_packed(packed)
    assert [note.partition(",")[0] for note in packed.prepared.notes] == ["bf16", "int8"]
    assert load(packed, tmp_path / "vnni", {"avx512_vnni"}, monkeypatch).describe()["precision"] == "int8"
    assert load(packed, tmp_path / "old", {"avx2"}, monkeypatch).describe()["precision"] == "fp32"


def test_what_int8_breaks_is_served_in_bf16_where_a_cpu_is_fast_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_checkpoint(tmp_path / "model", "bert", Task.EMBEDDINGS, num_hidden_layers=1)
    drown_weights(folder)
    packed = pack(folder, tmp_path)
    inspection = inspect_archive(packed.archive)
    proven, refused = inspection.facts.cpu_precisions, inspection.facts.cpu_refused
    assert set(proven) == {"bf16"}
    assert proven["bf16"] >= 0.999
    assert set(refused) == {"int8"}
    assert "the tolerance of int8" in refused["int8"]
    assert f"bf16 (least cosine {proven['bf16']:.5f}), else fp32, never int8 ({refused['int8']})" in render_packed(
        packed
    )
    assert json.loads(render_inspection(inspection, as_json=True))["facts"]["cpu_refused"] == refused
    amx = load(packed, tmp_path / "amx", {"avx512_vnni", "amx_bf16"}, monkeypatch).describe()
    assert (amx["precision"], amx["cpu_precisions"], amx["cpu_refused"]) == ("bf16", proven, refused)
    assert load(packed, tmp_path / "vnni", {"avx512_vnni"}, monkeypatch).describe()["precision"] == "fp32"


def test_a_worker_that_int8_fails_goes_on_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a CPU whose kernels are wrong: the known answers are asked again on the machine that serves."""
    packed = pack(make_checkpoint(tmp_path / "model", "bert", Task.EMBEDDINGS), tmp_path)
    monkeypatch.setattr(torch, "_int_mm", lambda rows, weight: torch.zeros(len(rows), weight.shape[1]))
    assert load(packed, tmp_path / "worker", {"avx512_vnni"}, monkeypatch).describe()["precision"] == "fp32"


def test_the_archive_that_records_it_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written anew once precisions are proven: what the disk got wrong then is not kept either."""
    monkeypatch.setattr("berth.pack.pack.write_archive", write_what_is_proven_badly)
    with pytest.raises(Refused, match="altered"):
        pack(make_checkpoint(tmp_path / "model", "bert", Task.EMBEDDINGS), tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def write_what_is_proven_badly(plan: ArchivePlan, path: Path, advance: Advance) -> None:
    """As a disk does that turns a bit of the weights, of the second archive."""
    write_archive(plan, path, advance)
    is_second = any("cpu_precisions" in str(each.source) for each in plan.members if each.name == MODEL_CONFIG)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= is_second
    path.write_bytes(data)


def test_a_variable_asks_for_a_precision_and_the_flag_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_checkpoint(tmp_path / "model", "bert", Task.EMBEDDINGS)
    monkeypatch.setenv("BERTH_PRECISION", "bf16")
    assert pack_by_command(folder, tmp_path / "told") == "bf16"
    assert pack_by_command(folder, tmp_path / "flagged", "--precision", "fp32") == "fp32"


def pack_by_command(folder: Path, output: Path, *options: str) -> str:
    """The precision of what `berth pack` makes."""
    done = CliRunner().invoke(app, ["pack", str(folder), "--output", str(output), *options])
    assert done.exit_code == 0, done.output
    return inspect_archive(output / "model.mar").facts.precision


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PackOptions(worker=WorkerOptions(precision=Precision.INT8)), "--precision fastest"),
        (PackOptions(golden_file=Path("x.txt")), "--golden is for --precision fastest"),
        (PackOptions(worker=FASTEST, golden_file=Path("not-there.txt")), "not-there.txt cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: PackOptions, message: str) -> None:
    folder = make_checkpoint(tmp_path / "model", "bert", Task.EMBEDDINGS)
    with pytest.raises(UsageError, match=message):
        pack_checkpoint(folder, options)
