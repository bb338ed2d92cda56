"""docs/openapi.json is what the types say, and its examples are requests that the doors read."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from berth.openapi.document import make_document, render
from handler.config import Task
from handler.doors.paths import ROOT_PATHS
from handler.doors.route import open_call
from handler.payload import Answered, Request
from handler.vectors.settings import Vectors
from tests.support.standin_model import identify

OF_TOKENS = Vectors(sparse_module="sparse_linear", multi_module="colbert_linear", token_width=2, dense_width=2)
ROOTS = {root.url_path: root for root in ROOT_PATHS}
COMMITTED = Path(__file__).parents[4] / "docs" / "openapi.json"
DOCUMENT = make_document()
OPERATIONS = [
    (path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method == "post"
]


def test_the_committed_document_is_current() -> None:
    assert COMMITTED.read_text("utf-8") == render(), "run `make openapi` and commit docs/openapi.json"


def headers(path: str) -> dict[str, str]:
    """What the frontend adds for the path."""
    explains = "explain" in path or path.startswith("/explanations")
    found = {"content-type": "application/json", "explain": str(explains)}
    if path.startswith("/v"):
        return found
    return {**found, "url_path": path.partition("/{version}")[2].removeprefix("/")}


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=[path for path, _ in OPERATIONS])
def test_examples_are_read(path: str, operation: dict[str, Any]) -> None:
    body = json.dumps(operation["requestBody"]["content"]["application/json"]["example"]).encode()
    task = Task.TEXT_CLASSIFICATION if headers(path)["explain"] == "True" else Task.EMBEDDINGS
    task = ROOTS[headers(path)["url_path"]].tasks[0] if headers(path).get("url_path") else task
    vectors = OF_TOKENS if path.endswith(("embed_all", "embed_sparse")) else None
    item = open_call({"body": body}, headers(path), identify(task, vectors)).item
    assert isinstance(item, Request | Answered), item


def test_every_address_that_answers_is_described() -> None:
    shown = {path.partition("/{version}/")[2] for path in DOCUMENT["paths"]}
    assert {root.url_path for root in ROOT_PATHS if root.tasks} <= shown


def test_every_reference_leads_somewhere_and_every_field_of_parameters_is_explained() -> None:
    text = msgspec.json.encode(DOCUMENT).decode()
    schemas = DOCUMENT["components"]["schemas"]
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.split('"')[0] in schemas
    for task in Task:
        field = schemas[task.title().replace("-", "") + "Request"]["properties"]["parameters"]
        name = field.get("anyOf", [field])[0]["$ref"].rsplit("/")[-1]
        assert [field for field, schema in schemas[name]["properties"].items() if "description" not in schema] == []


def schemas_in(value: Any) -> Iterator[str]:
    """Names of the schemas that a schema leads to."""
    if isinstance(value, dict):
        if name := value.get("$ref", "").rsplit("/")[-1]:
            yield name
            yield from schemas_in(DOCUMENT["components"]["schemas"][name])
        for part in value.values():
            yield from schemas_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from schemas_in(part)


def test_every_field_of_a_request_that_may_be_absent_may_be_null() -> None:
    names = {name for _, operation in OPERATIONS for name in schemas_in(operation["requestBody"])}
    fields = {
        f"{name}.{field}": schema
        for name in names
        for field, schema in DOCUMENT["components"]["schemas"][name].get("properties", {}).items()
        if field not in DOCUMENT["components"]["schemas"][name].get("required", ())
    }
    assert len(fields) > 30
    assert [name for name, schema in fields.items() if {"type": "null"} not in schema["anyOf"]] == []


def test_it_needs_no_torch() -> None:
    program = "import sys, berth.openapi; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
