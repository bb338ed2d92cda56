"""The addresses of other protocols: who reads each, for which tasks, and in which form it refuses."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from handler.config import Task
from handler.doors.paths import EVERY, ROOT_PATHS, Form, RootPath, tei_error_type
from handler.doors.route import NOWHERE, READERS, choose_door
from handler.errors import UnknownPath
from handler.payload import Rejected
from handler.vectors.settings import Kind
from tests.support.calls import REST, ask


def refuse(root: RootPath, task: Task, body: object = b"{") -> tuple[int, Any]:
    """The status and the body that a request gets, which must be refused."""
    call = ask(body, {**REST, "url_path": root.url_path}, task)
    assert isinstance(call.item, Rejected), call.item
    response = call.reply.format_error(call.item.error)
    return response.status, json.loads(response.body)


def keys_of(form: Form, status: int) -> dict[str, Any]:
    """The keys of an error, and what must stand behind them."""
    match form:
        case Form.OPENAI:
            return {"error": {"code": status, "type": ..., "message": ..., "param": ...}}
        case Form.TEI:
            return {"error": ..., "error_type": tei_error_type(status)}
        case _:
            return {"message": ..., "detail": ...}


def agrees(sent: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return list(sent) == list(wanted) and all(agrees(sent[key], wanted[key]) for key in wanted)
    return wanted is ... or sent == wanted


def test_every_address_has_a_reader_and_no_reader_is_without() -> None:
    assert set(READERS) == {root.url_path for root in ROOT_PATHS}
    assert len({root.url_path for root in ROOT_PATHS}) == len(ROOT_PATHS)


def test_the_table_loads_nothing_heavy() -> None:
    program = (
        "import sys, handler.doors.paths; "
        "print([name for name in ('msgspec', 'numpy', 'orjson', 'torch', 'tokenizers') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("root", ROOT_PATHS, ids=lambda root: root.url_path)
def test_a_body_that_is_no_json_is_refused_in_the_form_of_the_address(root: RootPath) -> None:
    if root.methods == ("GET",):
        return
    status, sent = refuse(root, (*root.tasks, Task.EMBEDDINGS)[0])
    assert status == 400
    assert agrees(sent, keys_of(root.form, status)), sent


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("root", ROOT_PATHS, ids=lambda root: root.url_path)
def test_another_task_is_told_where_its_model_answers(root: RootPath, task: Task) -> None:
    if task in root.tasks or not root.tasks:
        return
    status, sent = refuse(root, task)
    assert status == (424 if root.form is Form.TEI else 404)
    assert agrees(sent, keys_of(root.form, status)), sent
    message = str(sent)
    assert f"this model's task is {task}, and {root.url_path} is for {root.tasks[0]}" in message
    of_task = [each for each in ROOT_PATHS if task in each.tasks and each.tasks != EVERY]
    own = [each.url_path for each in of_task if not each.vectors or Kind.DENSE in each.vectors]  # the model makes those
    assert set(re.findall(r"send it to ([^'\"]+)", message)) == {", ".join(["/predictions/{model}", *own])}


def test_explanations_have_no_such_addresses() -> None:
    for root in ROOT_PATHS:
        assert choose_door({"explain": "True", "url_path": root.url_path}) is NOWHERE


def test_an_unknown_address_is_told_which_there_are() -> None:
    call = ask({}, {**REST, "url_path": "v1/completions"})
    assert isinstance(call.item, Rejected)
    assert isinstance(call.item.error, UnknownPath)
    assert all(root.url_path in call.item.error.message for root in ROOT_PATHS)
