"""Where a model is asked, by what its archive says of itself."""

import json
from pathlib import Path

import pytest

from berth.archive.content import MANIFEST, MODEL_CONFIG
from berth.archive.served_model import read_model
from berth.endpoint import Endpoint

INFERENCE = Endpoint(key="inference_address", host="127.0.0.1", port=8080)


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("berth: {form: 2, version: 0.2.0}\n", "/predictions/bert/2.0/check"),
        ("berth: {form: 1, version: 0.1.0}\n", "/predictions/bert/2.0"),  # its handler knows no other
        ("batchSize: 8\n", "/predictions/bert/2.0"),
    ],
)
def test_the_deep_check_is_where_the_form_says(tmp_path: Path, config: str, path: str) -> None:
    (tmp_path / MANIFEST).parent.mkdir()
    (tmp_path / MANIFEST).write_text(json.dumps({"model": {"modelName": "bert", "modelVersion": "2.0"}}))
    (tmp_path / MODEL_CONFIG).write_text(config)
    assert read_model(tmp_path).check_url(INFERENCE) == f"http://127.0.0.1:8080{path}"
