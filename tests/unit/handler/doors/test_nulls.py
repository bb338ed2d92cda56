"""null where a field may be absent is read as its absence: held for every field of every type that a door reads."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from handler.config import Task
from handler.doors import kserve_v1, native, open_inference
from handler.doors.openai import embeddings
from handler.errors import InvalidInput
from handler.payload import Request
from handler.tasks import TASKS
from handler.wire import convert, stands_for_absence
from tests.support.calls import OPENAI_HEADERS, read, tensor

BODIES = [
    *(door.body_of(kind, explains=False) for door in (native, kserve_v1) for kind in TASKS.values()),
    *(
        door.body_of(kind, explains=True)
        for door in (native, kserve_v1)
        for kind in TASKS.values()
        if kind.is_explained
    ),
    embeddings.body_of(TASKS[Task.EMBEDDINGS]),
    open_inference.InferBody,
]
ALL_LABELS = ("ClassificationParameters", "top_k")  # the one null that says something: all labels
EXAMPLES: dict[str, Any] = {
    "name": "text",
    "shape": [1],
    "datatype": "BYTES",
    "text": "a",
    "question": "a",
    "context": "a",
    "query": "a",
    "texts": ["a"],
    "candidate_labels": "a",
    "input": "a",
}


def structs_in(kind: inspect.Type) -> Iterator[inspect.StructType]:
    """Every object that may stand in a body."""
    if isinstance(kind, inspect.StructType):
        yield kind
        for field in kind.fields:
            yield from structs_in(field.type)
    for part in (*getattr(kind, "types", ()), getattr(kind, "item_type", None), getattr(kind, "type", None)):
        if isinstance(part, inspect.Type):
            yield from structs_in(part)


STRUCTS = {struct.cls: struct for body in BODIES for struct in structs_in(inspect.type_info(body))}
OPTIONAL = [
    pytest.param(struct, field, id=f"{struct.cls.__name__}.{field.name}")
    for struct in STRUCTS.values()
    for field in struct.fields
    if not field.required
]


def smallest(struct: inspect.StructType) -> dict[str, Any]:
    """What must be there."""
    return {field.name: example(field) for field in struct.fields if field.required}


def example(field: inspect.Field) -> Any:
    """A value of a field that must be there: of `inputs` and its like, one of their objects."""
    if field.name in EXAMPLES:
        return EXAMPLES[field.name]
    value = smallest(next(structs_in(field.type)))
    return value if field.name == "parameters" else [value]


@pytest.mark.parametrize(("struct", "field"), OPTIONAL)
def test_null_is_absence(struct: inspect.StructType, field: inspect.Field) -> None:
    absent = convert(smallest(struct), struct.cls, {"": ""})
    null = convert({**smallest(struct), field.name: None}, struct.cls, {"": ""})
    assert (null == absent) is ((struct.cls.__name__, field.name) != ALL_LABELS) is stands_for_absence(field)


def test_the_types_are_those_that_doors_read() -> None:
    """Of each task the parameters and the object; the rest by name."""
    names = {struct.__name__ for struct in STRUCTS}
    assert names >= {kind.parameters.__name__ for kind in TASKS.values()}
    assert names >= {kind.input_object.__name__ for kind in TASKS.values()}
    assert names >= {"Tensor", "TensorParameters", "RequestedOutput", "OutputParameters", "ExplanationParameters"}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_null_is_absence_however_deep(body: type[msgspec.Struct]) -> None:
    """All that may be absent is null at once, at every depth, but what null means something to."""

    def fill(struct: inspect.StructType) -> dict[str, Any]:
        return smallest(struct) | {field.name: deep(field) for field in struct.fields if stands_for_absence(field)}

    def deep(field: inspect.Field) -> Any:
        inner = next(structs_in(field.type), None)
        return fill(inner) if inner is not None and field.name == "parameters" else None

    struct = STRUCTS[body]
    assert convert(fill(struct), body, {"": ""}).parameters == convert(smallest(struct), body, {"": ""}).parameters


@pytest.mark.parametrize("name", ["parameters", "encoding_format", "dimensions", "model", "user"])
def test_openai_takes_null(name: str) -> None:
    assert read({"input": "a", name: None}, OPENAI_HEADERS) == read({"input": "a"}, OPENAI_HEADERS)


def test_v2_takes_null() -> None:
    text = tensor("text", "a")
    nulls = {"id": None, "outputs": None, "parameters": {"dimensions": None, "truncation": None}, "model_name": None}
    found = read({"inputs": [{**text, "parameters": None}], **nulls})
    assert isinstance(found, Request)
    assert found == read({"inputs": [text]})


@pytest.mark.parametrize("task", Task)
def test_null_for_what_must_be_there_is_a_mistake(task: Task) -> None:
    body = native.body_of(TASKS[task], explains=False)
    with pytest.raises(InvalidInput, match="got null"):
        convert({"inputs": None}, body, {"": ""})
    with pytest.raises(InvalidInput, match="unknown key"):
        convert({"inputs": "a", "input": None}, body, {"": ""})
