"""The script of `make gpu-check` in its small form: a real server, every load once, one JSON and one page."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cpu import CpuShares
from bench.gpu import __main__ as script
from bench.gpu.card import Card
from bench.gpu.models import nothing_name
from bench.gpu.parts import PARTS
from bench.gpu.parts.forward import make_texts
from bench.gpu.scene import Scene, read_notes
from bench.gpu.served import Mix, in_lists, note_load
from bench.load import Exchange, LoadResult
from bench.rivals.nothing_handler import READY, SIZE_HEADER, NothingHandler

SMALL = ["--device", "cpu", "--small"]


@pytest.mark.server
def test_one_part_in_its_small_form(tmp_path: Path) -> None:
    assert script.main([*SMALL, "--output", str(tmp_path), "--commit", "abc", "classification"]) == 0
    document = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert (document["commit"], document["device"], document["is_small"]) == ("abc", "cpu", True)
    (part,) = document["parts"]
    assert part["state"] == "done"
    values = {figure["name"]: figure["value"] for figure in part["figures"]}
    for shape in ("one", "lists_25", "lists_128"):
        assert values[f"served.classification.{shape}.answer_bytes"] > 0
        for kind in ("", "nothing_"):
            assert values[f"served.classification.{shape}.4.{kind}refused"] == 0
            assert f"served.classification.{shape}.4.{kind}requests_per_s" in values
    assert "not measured" in (tmp_path / "gpu.md").read_text("utf-8")


def test_a_part_that_takes_too_long_leaves_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "forward", replace(PARTS["forward"], limit_s=0.2))
    assert script.main([*SMALL, "--output", str(tmp_path), "forward"]) == 1
    (part,) = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["parts"]
    assert part["state"] == "ended after its 0 s"


def test_parts_that_ran_before_stay_on_the_page(tmp_path: Path) -> None:
    ran = {"name": "starts", "state": "done", "seconds": 2.0, "device": "cpu", "gpu": "", "is_small": True}
    (tmp_path / "starts.json").write_text(json.dumps(ran))
    scene_in(tmp_path / "starts.notes").note("starts.ready_s", 7.5)
    document = script.to_document("cpu", None, tmp_path, None, is_small=True)
    assert document["parts"] == [
        {
            **ran,
            "title": PARTS["starts"].title,
            "failures": [],
            "skipped": [],
            "figures": [{"name": "starts.ready_s", "value": 7.5, "unit": "s"}],
        }
    ]
    assert script.to_document("cpu", None, tmp_path, None, is_small=False)["parts"] == [], (
        "a trial is not a measurement"
    )
    assert script.to_document("cuda", None, tmp_path, None, is_small=True)["parts"] == []
    other = Card(uuid="GPU-2b", index=1, num_gpus=2, name="NVIDIA L4", driver="580.1", memory_mib=23034.0)
    (tmp_path / "starts.json").write_text(json.dumps({**ran, "device": "cuda", "gpu": "GPU-1a"}))
    assert script.to_document("cuda", other, tmp_path, None, is_small=True)["parts"] == [], "it is another card's"
    own = script.to_document("cuda", replace(other, uuid="GPU-1a"), tmp_path, None, is_small=True)
    assert own["parts"] != []


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert script.main([]) == 0
    assert re.match("skipped: torch sees no CUDA device", capsys.readouterr().out)


def scene_in(notes: Path) -> Scene:
    return Scene(device="cpu", is_small=True, folder=notes.parent, notes=notes)


def test_failures_and_skips_are_kept_beside_figures(tmp_path: Path) -> None:
    scene = scene_in(tmp_path / "notes")
    scene.note("a.b_ms", 1)
    scene.fail("broke")
    scene.skip("no card")
    assert list(read_notes(scene.notes)) == [
        {"name": "a.b_ms", "value": 1.0},
        {"failure": "broke"},
        {"skipped": "no card"},
    ]


def test_a_mix_is_sent_as_the_native_door_reads_it() -> None:
    mix = Mix(name="m", texts=in_lists(["a b", "c", "d"], 2), fields={"parameters": {"top_k": 1}})
    bodies = [json.loads(body) for body in mix.to_bodies().values()]
    form = {"parameters": {"top_k": 1}}
    assert bodies == [{"inputs": ["a b", "c"], **form}, {"inputs": "d", **form}]
    assert mix.tokens_per_request == (4 + 3 + 3) / 2


def test_a_load_has_the_figures_that_goals_read(tmp_path: Path) -> None:
    scene, mix = scene_in(tmp_path / "notes"), Mix(name="m", texts=[["a b", "c"]], fields={})
    exchanges = [Exchange(text="0", sent_s=1.0, answered_s=1.25, status=200, body=b"")] * 4
    result = LoadResult(exchanges=exchanges, duration_s=2.0, num_errors=3, cpu=CpuShares(client=0.0, others=0.0))
    note_load(scene, "served.m.8.", result, mix)
    assert {line["name"].removeprefix("served.m.8."): line["value"] for line in read_notes(scene.notes)} == {
        "requests_per_s": 2.0,
        "refused": 3.0,
        "texts_per_s": 4.0,
        "tokens_per_s": 2.0 * (4 + 3),
        "p50_ms": 250.0,
        "p99_ms": 250.0,
    }


def test_forward_measures_the_lengths_that_it_names() -> None:
    assert [len(text.ids) for text in make_texts([8, 24], 64)] == [8, 24, 8, 24]


class Headers:
    """A batch's context, as far as the handler reads it: the headers of each request."""

    def get_all_request_header(self, place: int) -> dict[str, str]:
        return [{SIZE_HEADER: "5"}, {}][place]


def test_the_handler_that_does_nothing_answers_as_many_bytes_as_are_asked_for() -> None:
    assert NothingHandler().handle([{}, {}], Headers()) == [bytes(5), READY]


@pytest.mark.parametrize(("answer_bytes", "name"), [(50, 64), (2**14, 64), (2**14 + 1, 4), (2**18 + 1, 1), (2**22, 1)])
def test_it_sends_no_larger_messages_than_berth(answer_bytes: int, name: int) -> None:
    assert nothing_name(answer_bytes) == f"nothing-{name}"
