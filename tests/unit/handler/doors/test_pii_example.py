"""The request of examples/pii is one that the native door reads."""

import json
from pathlib import Path

from handler.config import Task
from handler.tasks.zero_shot_token_classification import ZeroShotTokenParameters
from tests.support.calls import REST, read

REQUEST = Path(__file__).parents[4] / "examples" / "pii" / "request.json"


def test_it_is_read_as_it_stands() -> None:
    body = json.loads(REQUEST.read_text("utf-8"))
    request = read(body, {**REST, "url_path": ""}, Task.ZERO_SHOT_TOKEN_CLASSIFICATION)
    assert [source.text for source in request.inputs] == body["inputs"]
    assert isinstance(request.parameters, ZeroShotTokenParameters)
    assert list(request.parameters.labels) == body["parameters"]["candidate_labels"]
