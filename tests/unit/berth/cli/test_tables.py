"""Results as a table and as JSON lines."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from berth.cli.budget_table import render_budget
from berth.cli.tables import NOTHING, render, render_models, render_state
from berth.clients.messages import Input
from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.quantities import GIB, MIB
from berth.memory.budget import Budget, Part
from berth.memory.fit import MemoryPlan
from berth.memory.jvm import Jvm
from tests.support.states import GPU, make_state
from tests.unit.berth.serve.test_plan import SIZES

EMBEDDINGS = [[0.125, -0.25, 0.5, 0.75, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0]]
LABELS = [{"label": "positive", "score": 0.98765}, {"label": "negative", "score": 0.5}]
TOKEN = {"entity": "B-PER", "score": 0.99, "index": 1, "word": "ada", "start": 0, "end": 3}
ENTITY = {"entity_group": "LOC", "score": 0.8, "word": "in kent", "start": 4, "end": 11}
ANSWER = {"score": 0.75, "start": 0, "end": 3, "answer": "Ada"}
NO_ANSWER = {"score": 0.25, "start": 0, "end": 0, "answer": ""}
WORD = {"score": 0.5, "token": 7, "token_str": "paris", "sequence": "paris is big"}
ZERO_SHOT = {"sequence": "late", "labels": ["time", "place"], "scores": [0.7, 0.3]}
RANKING: Input = {"query": "how long?", "texts": ["not\nthis", "two hours"]}
QUESTION: Input = {"context": "Ada did. " * 30, "question": "Who?"}


def cells(inputs: list[Input], results: list[Any]) -> list[list[str]]:
    """The table's headings and rows."""
    lines = render(inputs, results, as_json=False).splitlines()
    return [[cell.strip() for cell in line.strip("┃│").split(line[0])] for line in lines if line[0] in "┃│"]


@pytest.mark.parametrize("results", [EMBEDDINGS, LABELS, [LABELS, []], [[TOKEN], []], [ANSWER, [ANSWER, NO_ANSWER]]])
def test_json_is_one_result_a_line_as_the_server_gave_it(results: list[Any]) -> None:
    lines = render(["a", "b"], results, as_json=True).splitlines()
    assert [json.loads(line) for line in lines] == results


def test_embeddings_show_their_size_and_first_values() -> None:
    table = render(["first", "second"], EMBEDDINGS, as_json=False)
    row = next(line for line in table.splitlines() if "first" in line and "values" not in line)
    assert "5" in row
    assert "0.1250 -0.2500  0.5000  0.7500 ..." in row


def test_labels_show_their_score() -> None:
    table = render(["first", "second"], LABELS, as_json=False)
    row = next(line for line in table.splitlines() if "first" in line)
    assert "positive" in row
    assert "0.9877" in row


def test_a_text_is_shown_as_it_is_and_never_breaks_a_row() -> None:
    table = render(["[bold]not markup[/bold]", "long\n" * 100], LABELS, as_json=False)
    assert "[bold]not markup[/bold]" in table
    assert len(table.splitlines()) == 6


def test_several_labels_are_a_row_each_and_a_text_without_any_still_shows() -> None:
    assert cells(["first", "second"], [LABELS, []]) == [
        ["text", "label", "score"],
        ["first", "positive", "0.9877"],
        ["", "negative", "0.5000"],
        ["second", NOTHING, ""],
    ]
    assert cells(["first"], [[]]) == [["text", "result"], ["first", NOTHING]]


def test_entities_are_a_row_each() -> None:
    headings = ["text", "entity", "score", "word", "start", "end"]
    assert cells(["ada", "b"], [[TOKEN], []]) == [
        headings,
        ["ada", "B-PER", "0.9900", "ada", "0", "3"],
        ["b", NOTHING, "", "", "", ""],
    ]
    assert cells(["ada in kent"], [[ENTITY]]) == [headings, ["ada in kent", "LOC", "0.8000", "in kent", "4", "11"]]


def test_answers_stand_beside_their_question() -> None:
    headings, one, best, none = cells([QUESTION, QUESTION], [ANSWER, [ANSWER, NO_ANSWER]])
    assert headings == ["input", "answer", "score", "start", "end"]
    assert one[0].startswith("Who? | Ada did. Ada did.")
    assert one == best
    assert one[1:] == ["Ada", "0.7500", "0", "3"]
    assert none == ["", NOTHING, "0.2500", "0", "0"]


def test_words_have_their_score_and_one_of_several_masks_its_number() -> None:
    assert cells(["[MASK] is big"], [[WORD]]) == [["text", "word", "score"], ["[MASK] is big", "paris", "0.5000"]]
    assert cells(["[MASK] [MASK]", "[MASK]"], [[[WORD], [WORD]], [WORD]]) == [
        ["text", "word", "score", "mask"],
        ["[MASK] [MASK]", "paris", "0.5000", "1"],
        ["", "paris", "0.5000", "2"],
        ["[MASK]", "paris", "0.5000", ""],
    ]


def test_a_ranking_shows_the_texts_that_it_ranks() -> None:
    assert cells([RANKING], [[{"index": 1, "score": 3.5}, {"index": 0, "score": -1.0}]]) == [
        ["input", "index", "score", "text"],
        ["how long?", "1", "3.5000", "two hours"],
        ["", "0", "-1.0000", "not this"],
    ]


def test_zero_shot_labels_are_a_row_each() -> None:
    expected = [["text", "label", "score"], ["late", "time", "0.7000"], ["", "place", "0.3000"]]
    assert cells(["late"], [ZERO_SHOT]) == expected


def test_pairs_and_texts_may_be_mixed() -> None:
    headings, pair, text = cells([{"text": "one", "text_pair": "two"}, "three"], LABELS)
    assert (headings[0], pair[0], text[0]) == ("input", "one | two", "three")


def test_an_object_of_another_kind_is_shown_as_it_is() -> None:
    assert cells(["x"], [{"mood": "good", "marks": [1]}]) == [["text", "mood", "marks"], ["x", "good", "[1]"]]


def test_a_model_in_json_has_everything_that_is_known() -> None:
    state = make_state("READY", "UNLOADING", memory_bytes=5)
    (model,) = map(json.loads, render_models([state], as_json=True).splitlines())
    described = json.loads(render_state(state, {"engine": "packed"}, as_json=True))
    assert described == {**model, "handler": {"engine": "packed"}}
    ready, loading = model["workers"]
    assert ready == {"id": "9000", "status": "READY", "pid": 100, "gpu": "", "memory_bytes": 5}
    assert loading["pid"] is None


def test_models_show_how_many_workers_are_ready() -> None:
    row = next(
        line for line in render_models([make_state("READY", "UNLOADING")], as_json=False).splitlines() if "1.0" in line
    )
    assert "bert" in row
    assert "1 of 2" in row


def test_a_model_shows_its_handlers_words_and_its_workers() -> None:
    table = render_state(make_state("READY", memory_bytes=2**28), {"engine": "packed", "device": "cpu"}, as_json=False)
    assert "packed" in table
    assert "3 waiting, room for 128" in table
    row = next(line for line in table.splitlines() if "9000" in line)
    assert all(part in row for part in ("READY", "100", "cpu", "256 MiB"))


def test_a_classifiers_labels_are_shown_as_words() -> None:
    shown = render_state(make_state("READY"), {"labels": ["time", "place"]}, as_json=False)
    assert "time, place" in shown


def test_what_packing_found_out_of_precisions_is_shown_in_a_line() -> None:
    handler = {"cpu_precisions": {"bf16": 0.9999}, "cpu_refused": {"int8": "another label"}}
    shown = render_state(make_state("READY"), handler, as_json=False)
    assert "bf16 0.9999" in shown
    assert "int8 another label" in shown


def test_a_model_whose_handler_said_nothing_is_shown_too() -> None:
    assert "not measured" in render_state(make_state("READY"), None, as_json=False)


def test_a_worker_on_a_gpu_shows_which_and_how_much_of_it_is_used() -> None:
    row = next(
        line for line in render_state(make_state("READY", gpu=GPU), None, as_json=False).splitlines() if "9000" in line
    )
    assert "GPU 1" in row
    assert "1652 MiB" in row


def memory_plan(room_bytes: int, num_gpus: int = 0, haproxy: Path | None = None) -> MemoryPlan:
    """A plan of one part and a java, which takes `room_bytes` more than the least."""
    jvm = Jvm(heap_bytes=GIB, direct_bytes=GIB, threads=2)
    budget, least = (
        Budget(
            parts=(Part(name="java's heap", bytes=GIB + more), Part(name="a worker's batch", bytes=MIB, count=3)),
            gpu_parts=(Part(name="a CUDA context", bytes=512 * MIB),) if num_gpus else (),
            jvm=jvm,
        )
        for more in (room_bytes, 0)
    )
    machine = Machine(
        memory=MemoryLimit(bytes=4 * GIB, source="--memory"),
        cores=2,
        num_gpus=num_gpus,
        gpu=None,
        not_forked="no pidfd_open" if num_gpus else None,
        haproxy=haproxy,
        no_haproxy="" if haproxy else "haproxy is missing",
    )
    return MemoryPlan(
        budget=budget,
        least=least,
        machine=machine,
        names=("bert",),
        workers=2,
        why_workers="somebody said so",
        queue_length=256,
        connections=12_000 if haproxy else 0,
        max_workers=4,
        why_no_more="",
        refusal=None,
        models=(),
        server=SIZES,
    )


def test_a_budget_shows_its_parts_the_least_and_who_grants_what() -> None:
    shown = render_budget(memory_plan(GIB), as_json=False)
    for words in (
        r"a worker's batch +│ 1 MiB +│ 3 +│ 3 MiB",
        r"all, with room for 4 workers per model .* 2\.00 GiB",
        r"least, without that room .* 1\.00 GiB",
        r"--memory grants .* 4\.00 GiB",
        r"workers of each model: 2, because somebody said so; queue: 256 requests\nno front: haproxy is missing\n",
        r"counted for 2 cores and no GPU; workers are forked$",
    ):
        assert re.search(words, shown), shown


def test_a_budget_without_room_for_more_workers_has_one_total() -> None:
    shown = render_budget(memory_plan(0, num_gpus=1, haproxy=Path("/usr/sbin/haproxy")), as_json=False)
    assert "queue: 256 requests\nconnections to the front: 12000\n" in shown
    assert "least" not in shown
    assert re.search(r"free on one GPU now .* not known", shown)
    assert shown.endswith("counted for 2 cores and 1 GPU; workers are not forked: no pidfd_open")


def test_a_budget_as_json() -> None:
    told = json.loads(render_budget(memory_plan(GIB), as_json=True))
    assert (told["total_bytes"], told["least_bytes"], told["max_workers"]) == (2 * GIB + 3 * MIB, GIB + 3 * MIB, 4)
    assert (told["workers"], told["why_workers"]) == (2, "somebody said so")
    assert (told["queue_length"], told["connections"]) == (256, 0)
    assert told["parts"][1] == {"name": "a worker's batch", "bytes": MIB, "count": 3}
    assert told["limits"] == {"memory": {"bytes": 4 * GIB, "source": "--memory"}, "gpu": None}
    assert told["machine"] == {"cores": 2, "num_gpus": 0, "not_forked": None}
