"""schemathesis: requests made of docs/openapi.json, right and wrong ones, and what a real server answers to each."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.servers import Server

pytestmark = pytest.mark.server

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"
EXAMPLES = 60  # of each operation
FEWER = 15  # where another protocol's dress is on the same engine
OTHERS = r"\{version\}/."
FORM = "application/x-www-form-urlencoded"


def no_fault_of_ours(_: object, response: schemathesis.Response, __: object) -> None:
    """Explanations may take 5 s of a batch: a slow machine says so."""
    if response.status_code >= 500:
        error = response.json().get("error")  # OpenAI's; v1 and v2 have the message there
        assert (error if isinstance(error, dict) else response.json())["type"] == "NotNow", response.text


CHECKS = [
    no_fault_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def load_document() -> dict[str, Any]:
    """The committed document, for the models of `answering_server`: which others there are, it cannot know.

    Without forms, of which TorchServe answers broken ones with a 500 of its own; tests/fuzz sends them.
    """
    document: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    for item in document["paths"].values():
        if post := item.get("post"):
            post["requestBody"]["content"].pop(FORM, None)
        for parameter in item["parameters"]:
            parameter["schema"]["enum"] = ["bert", "tiny"] if parameter["name"] == "model" else ["1.0"]
    return document


schema = schemathesis.openapi.from_dict(load_document())
schema.config.checks.negative_data_rejection.expected_statuses = ["400", "403", "404", "413", "415", "422", "424"]


same_every_time = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@schema.exclude(path_regex=OTHERS).parametrize()
@same_every_time
def test_the_server_keeps_what_the_document_says(case: schemathesis.Case[Any], answering_server: Server) -> None:
    case.call_and_validate(base_url=answering_server.inference_url, checks=CHECKS)


@schema.include(path_regex=OTHERS).parametrize()
@settings(same_every_time, max_examples=FEWER)
def test_so_it_does_for_other_protocols(case: schemathesis.Case[Any], answering_server: Server) -> None:
    case.call_and_validate(base_url=answering_server.inference_url, checks=CHECKS)


def test_nothing_died_of_it(answering_server: Server) -> None:
    for model in ("bert", "tiny"):
        assert [worker["status"] for worker in answering_server.describe(model)["workers"]] == ["READY"]
    assert "Worker died" not in answering_server.log
