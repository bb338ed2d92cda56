"""Results as a table and as JSON lines."""

import json

import pytest

from berth.table import render, render_models, render_state

from ..states import GPU, make_state

EMBEDDINGS = [[0.125, -0.25, 0.5, 0.75, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0]]
LABELS = [{"label": "positive", "score": 0.98765}, {"label": "negative", "score": 0.5}]


@pytest.mark.parametrize("results", [EMBEDDINGS, LABELS])
def test_json_is_one_result_a_line_as_the_server_gave_it(results: list[object]) -> None:
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
    table = render(["[bold]not markup[/bold]", "long " * 100], LABELS, as_json=False)
    assert "[bold]not markup[/bold]" in table
    assert len(table.splitlines()) == 6


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


def test_a_model_whose_handler_said_nothing_is_shown_too() -> None:
    assert "not measured" in render_state(make_state("READY"), None, as_json=False)


def test_a_worker_on_a_gpu_shows_which_and_how_much_of_it_is_used() -> None:
    row = next(
        line for line in render_state(make_state("READY", gpu=GPU), None, as_json=False).splitlines() if "9000" in line
    )
    assert "GPU 1" in row
    assert "1652 MiB" in row
