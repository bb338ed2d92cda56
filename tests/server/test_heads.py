"""One archive with several heads behind a real TorchServe: each door names the head in its own way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from transformers import pipeline as hf_pipeline

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from tests.support.checkpoints.heads import make_sibling
from tests.support.servers import Server, running_server

pytestmark = pytest.mark.server

TEXT = "The tide turns at nine."
LABELS = {"topic": ("sport", "politics", "money", "weather"), "spam": ("ham", "spam")}


@pytest.fixture(scope="module")
def folders(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("heads")
    siblings = {
        name: make_sibling(tiny, root / name, labels, seed=seed, task=Task.TEXT_CLASSIFICATION)
        for seed, (name, labels) in enumerate(LABELS.items())
    }
    return {"tiny": tiny, **siblings}


@pytest.fixture(scope="module")
def server(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    heads = tuple((name, str(folder)) for name, folder in folders.items() if name != "tiny")
    options = PackOptions(output=tmp_path_factory.mktemp("store"), heads=heads)
    with running_server([pack_checkpoint(folders["tiny"], options).archive]) as running:
        yield running


def post(server: Server, path: str, body: dict[str, Any]) -> requests.Response:
    return requests.post(f"{server.inference_url}/{path}", json=body, timeout=60)


def expected(folder: Path) -> dict[str, float]:
    plain: Any = hf_pipeline("text-classification", str(folder), top_k=None, device="cpu")
    return {each["label"]: each["score"] for each in plain([TEXT])[0]}


def labels_of(folder: Path) -> list[str]:
    named = json.loads((folder / "config.json").read_text("utf-8"))["id2label"]
    return [named[str(place)] for place in range(len(named))]


def scores(ranked: list[dict[str, Any]]) -> dict[str, float]:
    return {each["label"]: each["score"] for each in ranked}


@pytest.mark.parametrize("name", ["tiny", "topic", "spam"])
def test_each_door_that_can_name_a_head_gets_its_answer(server: Server, folders: dict[str, Path], name: str) -> None:
    wanted = pytest.approx(expected(folders[name]), abs=1e-5)
    parameters = {"head": name, "top_k": None}
    native = post(server, "predictions/tiny", {"inputs": TEXT, "parameters": parameters}).json()
    kserve = post(server, "v1/models/tiny:predict", {"instances": [TEXT], "parameters": parameters}).json()
    hub = post(server, "predictions/tiny/1.0/hf", {"inputs": TEXT, "parameters": {"head": name}}).json()
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]}
    infer = post(server, "v2/models/tiny/infer", {"inputs": [tensor], "parameters": parameters}).json()
    assert scores(native) == wanted
    assert scores(kserve["predictions"][0]) == wanted
    assert scores(hub[0]) == wanted
    assert scores(json.loads(infer["outputs"][0]["data"][0])) == wanted
    vllm = post(server, "predictions/tiny/1.0/classify", {"input": TEXT, "model": name}).json()
    ordered = [expected(folders[name])[label] for label in labels_of(folders[name])]
    assert vllm["data"][0]["probs"] == pytest.approx(ordered, abs=1e-5)
    assert vllm["model"] == name


def test_an_explanation_names_its_head(server: Server, folders: dict[str, Path]) -> None:
    body = {"inputs": TEXT, "parameters": {"head": "spam", "target": "ham", "n_steps": 2}}
    explained = post(server, "explanations/tiny", body).json()
    assert explained["score"] == pytest.approx(expected(folders["spam"])["ham"], abs=1e-5)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("predictions/tiny", {"inputs": TEXT, "parameters": {"head": "topics"}}, "/parameters/head"),
        ("explanations/tiny", {"inputs": TEXT, "parameters": {"head": "topics"}}, "/parameters/head"),
        ("predictions/tiny/1.0/classify", {"input": TEXT, "model": "topics"}, "/model"),
    ],
)
def test_an_unknown_head_is_refused_with_those_there_are(
    server: Server, path: str, body: dict[str, Any], param: str
) -> None:
    answer = post(server, path, body)
    assert answer.status_code == 422
    error = answer.json().get("error", answer.json())
    assert (error["param"], error["type"]) == (param, "InvalidParameter")
    assert error["message"].endswith("unknown head 'topics'; this model has tiny, topic, spam")


def test_describe_lists_the_heads_and_the_deep_check_answers(server: Server) -> None:
    described = requests.get(f"{server.management_url}/models/tiny?customized=true", timeout=30).json()
    heads = described[0]["customizedMetadata"]["heads"]
    assert heads == {
        "tiny": ["negative", "neutral", "positive"],
        "topic": list(LABELS["topic"]),
        "spam": ["ham", "spam"],
    }
    check = requests.get(f"{server.inference_url}/predictions/tiny/1.0/check", timeout=30)
    assert (check.status_code, check.json()["status"]) == (200, "ok")
