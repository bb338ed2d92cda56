"""What the gateway answers over HTTP without asking a model, and how it refuses."""

import json
import subprocess
from typing import Any

import pytest

from handler.config import Task
from tests.support.front.gateway import Gateway, running_gateway

pytestmark = pytest.mark.server

OPENAI, V2, TEI, COHERE = "openai", "v2", "tei", "cohere"


def curl(gateway: Gateway, path: str, *options: str) -> tuple[int, Any]:
    """Status and body."""
    command = ["curl", "-s", "-w", r"\n%{http_code}", "--unix-socket", gateway.settings.http, *options]
    ran = subprocess.run([*command, f"http://berth{path}"], capture_output=True, text=True, timeout=60, check=True)
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


def test_the_models_as_openai_lists_them(gateway: Gateway) -> None:
    status, value = curl(gateway, "/v1/models")
    assert (status, value["object"]) == (200, "list")
    assert [each["id"] for each in value["data"]] == list(Task)
    assert all(each["object"] == "model" and each["created"] > 1.7e9 for each in value["data"])


def test_a_model_is_openais_object_and_v1s_readiness(gateway: Gateway) -> None:
    status, value = curl(gateway, f"/v1/models/{Task.FILL_MASK}")
    assert status == 200
    assert (value["id"], value["object"], value["name"], value["ready"]) == ("fill-mask", "model", "fill-mask", True)


@pytest.mark.parametrize(
    "path", ["/v2/health/ready", "/v2/models/embeddings/ready", "/v2/models/embeddings/versions/1.0/ready"]
)
def test_ready(gateway: Gateway, path: str) -> None:
    status, value = curl(gateway, path)
    assert (status, value["ready"]) == (200, True)


def test_live_and_what_the_server_is(gateway: Gateway) -> None:
    assert curl(gateway, "/v2/health/live") == (200, {"live": True})
    assert curl(gateway, "/health") == (200, None)
    assert curl(gateway, "/v2")[1]["name"] == "berth"


def test_nobody_behind_it_is_not_ready() -> None:
    with running_gateway("http://127.0.0.1:9", "http://127.0.0.1:9", {"bert": ["1.0"]}) as lonely:
        reason = "the server is not ready: the launcher does not answer"
        assert curl(lonely, "/v2/health/ready") == (503, {"ready": False, "error": reason})
        assert curl(lonely, "/health") == (503, {"error": reason, "error_type": "Unhealthy"})
        status, value = curl(lonely, "/v1/models/bert")
        assert (status, value["ready"]) == (503, False)
        status, value = curl(lonely, "/v1/embeddings", "-d", '{"input": "a"}')
        assert (status, value["error"]["type"]) == (503, "NoAnswer")


# Path, curl's options, status, and the words in each protocol's own place.
REFUSED: list[tuple[str, list[str], int, str, str]] = [
    ("/v1/models/none", [], 404, OPENAI, "no model 'none' here: this server has embeddings, "),
    ("/v2/models/none/ready", [], 404, V2, "no model 'none' here"),
    ("/v2/models/embeddings/versions/9/ready", [], 404, V2, "no version '9' of embeddings here"),
    ("/v2/health/ready", ["-d", ""], 405, V2, "/v2/health/ready is asked by GET, not by POST"),
    ("/v1/embeddings", [], 405, OPENAI, "/v1/embeddings is asked by POST, not by GET"),
    ("/v1/embeddings", ["-d", '{"input": "a"}'], 404, OPENAI, "several models here: name one of embeddings, "),
    ("/v1/embeddings", ["-d", '{"model": "no"}'], 404, OPENAI, "no model 'no' here: name one of embeddings, "),
    ("/v1/embeddings", ["-d", "{"], 400, OPENAI, "no JSON object"),
    ("/embed", ["-d", '{"inputs": "a"}'], 404, TEI, "such as /predictions/embeddings/1.0/embed"),
    ("/v1/rerank", ["-d", "{}"], 404, COHERE, "such as /predictions/embeddings/1.0/v1/rerank"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: " ".join((case[0], *case[1])))
def test_refused_in_the_protocols_own_form(gateway: Gateway, case: tuple[str, list[str], int, str, str]) -> None:
    path, options, status, form, says = case
    found, value = curl(gateway, path, *options)
    texts = {
        OPENAI: lambda: value["error"]["message"],
        V2: lambda: value["error"],
        TEI: lambda: value["error"],
        COHERE: lambda: value["message"],
    }
    assert found == status
    assert says in texts[form]()


def test_a_path_that_is_none(gateway: Gateway) -> None:
    status, value = curl(gateway, "/none")
    assert (status, value["code"], value["type"]) == (404, 404, "UnknownPath")


def test_the_body_names_the_model(gateway: Gateway) -> None:
    """It is forwarded to that model's address; what the model says of it is its own affair."""
    status, value = curl(
        gateway, "/v1/embeddings", "-H", "content-type: application/json", "-d", '{"model": "embeddings", "input": "a"}'
    )
    assert (status, value["model"]) == (200, "embeddings")
