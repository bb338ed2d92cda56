"""Every task through one real TorchServe, mixed and at once: each answer is transformers' own."""

import concurrent.futures
import itertools
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from handler.config import Task
from tests.support.equality.cells import Asked, cases, questions
from tests.support.equality.compare import largest_difference
from tests.support.servers import Server

from .task_models import ARCHITECTURES

pytestmark = pytest.mark.server

TOLERANCE = 1e-4
NUM_REQUESTS = 50


def post(server: Server, door: str, task: Task, source: Any, parameters: dict[str, Any]) -> requests.Response:
    body = {"inputs": source, "parameters": parameters}
    return requests.post(f"{server.inference_url}/{door}/{task}", json=body, timeout=120)


def test_fifty_mixed_requests_at_once(tasks_server: Server, task_folders: dict[Task, Path]) -> None:
    by_task: list[list[tuple[Task, Asked]]] = [
        [
            (task, asked)
            for asked in (questions(ARCHITECTURES[task]) if task is Task.QUESTION_ANSWERING else cases(folder, task))
        ]
        for task, folder in task_folders.items()
    ]
    mixed = [item for group in itertools.zip_longest(*by_task) for item in group if item][:NUM_REQUESTS]
    assert {task for task, _ in mixed} == set(Task)
    with concurrent.futures.ThreadPoolExecutor(NUM_REQUESTS) as pool:
        sent = [pool.submit(post, tasks_server, "predictions", task, *case) for task, (case, _) in mixed]
    for (task, (_, expected)), future in zip(mixed, sent, strict=True):
        response = future.result()
        assert response.status_code == 200, (task, response.text)
        assert largest_difference(response.json(), expected) < TOLERANCE, task


def test_describe_names_task_and_engine(tasks_server: Server) -> None:
    for task in ARCHITECTURES:
        answer = requests.get(f"{tasks_server.management_url}/models/{task}?customized=true", timeout=30).json()
        described = answer[0]["customizedMetadata"]
        assert (described["task"], described["engine"]) == (task, "packed")


def test_explanations_of_the_tasks_that_have_them(tasks_server: Server) -> None:
    source = {"question": "Who wrote?", "context": "Ada wrote to Babbage in London."}
    explained = post(tasks_server, "explanations", Task.QUESTION_ANSWERING, source, {"n_steps": 5}).json()
    total = sum(token["attribution"] for token in explained["tokens"])
    difference = explained["score"] - explained["baseline_score"] + explained["convergence_delta"]
    assert total == pytest.approx(difference, abs=TOLERANCE)
    assert source["context"][explained["start"] : explained["end"]] == explained["answer"]
    assert post(tasks_server, "explanations", Task.TEXT_CLASSIFICATION, "good", {"n_steps": 5}).json()["tokens"]
    refused = post(tasks_server, "explanations", Task.FILL_MASK, "good", {})
    assert (refused.status_code, refused.json()["type"]) == (404, "UnknownPath")


def test_the_deep_check_answers_for_every_task(tasks_server: Server) -> None:
    for task in Task:
        answer = requests.get(f"{tasks_server.inference_url}/predictions/{task}/1.0/check", timeout=60)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_the_lines_to_try_are_answered_for_every_task(tasks_server: Server) -> None:
    lines = re.findall(r"^berth: (curl .*)$", tasks_server.log, re.MULTILINE)
    assert len(lines) == len(Task)
    for line in lines:
        ran = subprocess.run([*shlex.split(line), "-fsS", "--noproxy", "*"], capture_output=True, check=True)
        assert json.loads(ran.stdout)


def test_tokens_of_windows_and_pairs_are_counted(tasks_server: Server) -> None:
    """Windows of 512 tokens that share 128: a text of 1200 tokens and 2 special ones is read in three."""
    word = "the "
    windows = post(tasks_server, "predictions", Task.TOKEN_CLASSIFICATION, word * 1200, {})
    assert windows.headers["x-compute-tokens"] == str(1200 + 2 * 128 + 3 * 2)
    assert "x-truncated" not in windows.headers
    pairs = post(tasks_server, "predictions", Task.TEXT_RANKING, {"query": word, "texts": [word, word * 600]}, {})
    assert pairs.headers["x-truncated"] == "0"
    one = post(tasks_server, "predictions", Task.TEXT_RANKING, {"query": word, "texts": [word]}, {})
    assert int(pairs.headers["x-compute-tokens"]) == int(one.headers["x-compute-tokens"]) + 512
    refused = post(
        tasks_server, "predictions", Task.TEXT_RANKING, {"query": word, "texts": [word * 600]}, {"truncation": False}
    )
    assert (refused.status_code, refused.json()["type"]) == (422, "InputTooLong")


def test_a_bad_request_of_each_task_says_what_is_wrong(tasks_server: Server) -> None:
    for task, source, parameters, param in BAD_REQUESTS:
        answer = post(tasks_server, "predictions", task, source, parameters)
        assert (answer.status_code, answer.json()["param"]) == (422, param), answer.text
    assert (
        post(tasks_server, "predictions", Task.TEXT_RANKING, {"query": "a", "texts": ["b"] * 257}, {}).status_code
        == 413
    )


BAD_REQUESTS: list[tuple[Task, Any, dict[str, Any], str]] = [
    (Task.EMBEDDINGS, "a", {"dimensions": 10_000}, "/parameters/dimensions"),
    (Task.EMBEDDINGS, "a", {"prompt_name": "query"}, "/parameters/prompt_name"),
    (Task.TEXT_CLASSIFICATION, "a", {"threshold": {"nothing": 0.5}}, "/parameters/threshold/nothing"),
    (Task.TOKEN_CLASSIFICATION, "a", {"aggregation_strategy": "median"}, "/parameters/aggregation_strategy"),
    (Task.TOKEN_CLASSIFICATION, "a", {"stride": 500}, "/parameters/stride"),
    (Task.QUESTION_ANSWERING, "a", {}, "/inputs"),
    (Task.QUESTION_ANSWERING, {"question": "a", "context": ""}, {}, "/inputs/context"),
    (Task.QUESTION_ANSWERING, {"question": "a " * 600, "context": "b " * 600}, {}, "/inputs"),
    (Task.QUESTION_ANSWERING, {"question": "a", "context": "b"}, {"max_seq_len": 1000}, "/parameters/max_seq_len"),
    (Task.FILL_MASK, "no mask", {}, "/inputs"),
    (Task.FILL_MASK, "<mask>" * 40, {}, "/inputs"),
    (Task.TEXT_RANKING, {"query": "a", "texts": []}, {}, "/inputs/texts"),
    (
        Task.TEXT_RANKING,
        {"query": "a", "texts": ["b"]},
        {"function_to_apply": "softmax"},
        "/parameters/function_to_apply",
    ),
    (Task.ZERO_SHOT_CLASSIFICATION, "a", {}, "/parameters/candidate_labels"),
    (Task.ZERO_SHOT_CLASSIFICATION, "a", {"candidate_labels": []}, "/parameters/candidate_labels"),
    (Task.ZERO_SHOT_CLASSIFICATION, "a " * 600, {"candidate_labels": ["b " * 600]}, "/parameters/candidate_labels"),
    (Task.ZERO_SHOT_TOKEN_CLASSIFICATION, "a", {}, "/parameters/candidate_labels"),
    (Task.ZERO_SHOT_TOKEN_CLASSIFICATION, "a", {"candidate_labels": ["b"], "threshold": 2}, "/parameters/threshold"),
    (Task.ZERO_SHOT_TOKEN_CLASSIFICATION, "a", {"candidate_labels": ["b " * 101]}, "/parameters/candidate_labels/0"),
]
