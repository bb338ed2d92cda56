"""Whatever arrives at another protocol's address: read, answered or refused in its own form, never an exception."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from berth.openapi.roots import describe_roots
from handler.config import Task
from handler.doors.call import Call
from handler.doors.paths import ROOT_PATHS, Form, RootPath, tei_error_type
from handler.doors.route import open_call
from handler.errors import InternalError
from handler.payload import Answered, Rejected, Request
from tests.support.clients.answers import wrapped_error
from tests.support.standin_model import identify

same_every_time = settings(derandomize=True, deadline=None, database=None, max_examples=300)

MAX_ERROR_BYTES = 4096
ABOUT = describe_roots()
FIELDS = sorted({name for about in ABOUT.values() for kind in about.requests for name in kind.__struct_fields__})

anything = st.text(st.characters(exclude_categories=()), max_size=20)
long_text = st.builds(lambda text, count: text * count, anything, st.sampled_from((1, 1, 1000, 50_000)))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | long_text
likely = st.sampled_from(["a", ["a"], ["a", "b"], [["a"]], [["a", "b"]], [1], [[1]], [{"text": "a"}], True, 1, "NONE"])
keys = st.sampled_from(FIELDS) | long_text
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


def at(root: RootPath) -> st.SearchStrategy[tuple[RootPath, Any]]:
    """An address, and a body for it: its needed keys most of the time, and some others."""
    kinds = ABOUT[root.url_path].requests if root.url_path in ABOUT else ()
    fields = [field for kind in kinds for field in msgspec.structs.fields(kind)]
    needed = {field.name: likely for field in fields if field.required} or {"text_1": likely, "text_2": likely}
    own = st.sampled_from([field.name for field in fields] or FIELDS)
    good = st.builds(
        lambda one, other: one | other, st.fixed_dictionaries(needed), st.dictionaries(own, likely, max_size=1)
    )
    return st.tuples(st.just(root), good | st.dictionaries(own | keys, likely | values, max_size=4) | values)


asked = st.sampled_from(ROOT_PATHS).flatmap(at)


def open_at(root: RootPath, task: Task, body: Any) -> Call:
    headers = {"explain": "False", "url_path": root.url_path, "content-type": "application/json"}
    return open_call({"body": json.dumps(body).encode()}, headers, identify(task))


def check_refusal(root: RootPath, call: Call) -> None:
    """A user's mistake, short, in the form of the address."""
    assert isinstance(call.item, Rejected)
    error = call.item.error
    assert not isinstance(error, InternalError)
    response = call.reply.format_error(error)
    assert len(response.body) <= MAX_ERROR_BYTES
    assert 400 <= response.status < 500
    assert response.phrase.isascii()
    shown = json.loads(response.body)
    match root.form:
        case Form.OPENAI:
            assert wrapped_error(shown)["message"] == error.message
        case Form.TEI:
            assert shown == {"error": error.message, "error_type": tei_error_type(response.status)}
        case _:
            assert shown == {"message": error.message, "detail": error.message}
    assert error.message


@same_every_time
@given(asked, st.sampled_from(Task))
def test_whatever_arrives_is_read_or_refused(asked: tuple[RootPath, Any], other: Task) -> None:
    root, body = asked
    task = root.tasks[0] if root.tasks and len(str(body)) % 5 else other
    call = open_at(root, task, body)
    if isinstance(call.item, Rejected):
        check_refusal(root, call)
    elif isinstance(call.item, Answered):
        assert msgspec.json.encode(call.item.value)
    else:
        assert isinstance(call.item, Request)
        assert call.item.inputs


@same_every_time
@given(asked.filter(lambda asked: bool(asked[0].tasks)))
def test_a_body_that_is_read_has_only_keys_of_the_document(asked: tuple[RootPath, Any]) -> None:
    root, body = asked
    call = open_at(root, root.tasks[0], body)
    if isinstance(call.item, Rejected) or not ABOUT[root.url_path].requests:
        return
    assert isinstance(body, dict)
    named = [kind.__struct_fields__ for kind in ABOUT[root.url_path].requests]
    more = {"task", "late_chunking"}  # Jina's, which may ask for nothing
    assert any(set(body) - more <= set(fields) for fields in named), body
