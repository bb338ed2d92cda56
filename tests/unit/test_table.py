"""Results as a table and as JSON lines."""

import json

import pytest

from berth.table import render

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
