"""The OpenAPI 3.1 document of the REST doors, made from the types that read requests."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from handler import errors
from handler.doors import kserve_v1, native, open_inference
from handler.doors.binary import HEADER, MEDIA
from handler.doors.paths import ROOT_PATHS
from handler.tasks import TASKS

from .. import __version__
from . import answers
from .roots import ERRORS, describe_roots

Schema = dict[str, Any]

REF = "#/components/schemas/{name}"
MODEL: Schema = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}, "example": "bert"}
VERSION: Schema = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}, "example": "1.0"}
DURATION: Schema = {
    "x-inference-time-ms": {"schema": {"type": "string"}, "description": "its batch's time in the worker so far"}
}
BINARY: Schema = {
    MEDIA: {
        "schema": {"type": "string", "format": "binary", "description": "the JSON, and the output's data behind it"}
    }
}
BINARY_HEADER: Schema = {
    HEADER: {"schema": {"type": "string"}, "description": "bytes of the JSON, where data are behind it"}
}
HEADERS: Schema = {
    "x-compute-tokens": {"schema": {"type": "string"}, "description": "tokens that the model read for this request"},
    "x-truncated": {"schema": {"type": "string"}, "description": "indices of inputs that were cut; absent if none was"},
    **DURATION,
}
TORCHSERVE_STATUSES = {
    403: "TorchServe's: NUL, or CR LF, in the address",
    404: "TorchServe's: an unknown model, version or address",
    413: "TorchServe's, without a body: the request is over max_request_size",
    500: "TorchServe's: a form or multipart body that cannot be read",
    501: "TorchServe's: a version in a v1 address, or without the front in one of v2",
    503: "TorchServe's: the queue is full, or there is no worker",
}
EXAMPLE_TENSOR = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["hello world"]}
EXPLANATION = [answers.Explanation]


def make_document() -> Schema:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "berth",
            "version": __version__,
            "description": "A BERT behind TorchServe's inference address. docs/api.md has the same in words.",
        },
        "servers": [{"url": "http://127.0.0.1:8080"}],
        "paths": dict(_paths()),
        "components": {"schemas": _describe_all(_components())},
    }


def _paths() -> Iterator[tuple[str, Schema]]:
    predict = _operation("predict", "Predictions: berth's own door", _native(explains=False), _results())
    predict["requestBody"]["content"] |= _one_text()
    check = _operation("check", "Deep check: a known text against its known answer", None, [_ref(answers.Health)])
    explain = _operation("explain", "Which words made a label or an answer", _native(explains=True), _explained())
    for version, suffix in (([], ""), ([VERSION], "/{version}")):
        yield f"/predictions/{{model}}{suffix}", _item([MODEL, *version], _named(predict, suffix))
        yield f"/explanations/{{model}}{suffix}", _item([MODEL, *version], _named(explain, suffix))
    yield "/predictions/{model}/{version}/check", {"parameters": [MODEL, VERSION], "get": check}
    yield from _protocol_paths()


def _protocol_paths() -> Iterator[tuple[str, Schema]]:
    yield "/v1/models/{model}:predict", _item([MODEL], _v1("predictions", explains=False))
    yield "/v1/models/{model}:explain", _item([MODEL], _v1("explanations", explains=True))
    infer = _operation(
        "infer",
        "Open Inference protocol (KServe v2)",
        _json([open_inference.InferBody], {"inputs": [EXAMPLE_TENSOR]}),
        [_ref(answers.InferAnswer)],
        answers.KServeError,
    )
    infer["responses"]["200"]["content"] |= BINARY
    infer["responses"]["200"]["headers"] |= BINARY_HEADER
    yield "/v2/models/{model}/infer", _item([MODEL], infer)
    yield from _root_paths()


def _root_paths() -> Iterator[tuple[str, Schema]]:
    """The addresses of other protocols; one that refuses everything is left out."""
    described = describe_roots()
    for root in ROOT_PATHS:
        if about := described.get(root.url_path):
            name = root.url_path.replace("/", "_")
            body = _json(about.requests, about.example) if about.requests else None
            operation = _operation(name, about.summary, body, [_ref(kind) for kind in about.results], ERRORS[root.form])
            item = {"parameters": [MODEL, VERSION], **{method.lower(): operation for method in root.methods}}
            yield f"/predictions/{{model}}/{{version}}/{root.url_path}", item


def _item(parameters: list[Schema], post: Schema) -> Schema:
    return {"parameters": parameters, "post": post}


def _named(operation: Schema, suffix: str) -> Schema:
    """The operation with an id that no other address has."""
    return {**operation, "operationId": operation["operationId"] + ("_version" if suffix else "")}


def _operation(
    name: str, summary: str, body: Schema | None, results: list[Schema], error: type = answers.Error
) -> Schema:
    request = {"requestBody": {"required": True, "content": body}} if body else {}
    headers = HEADERS if body else DURATION
    found = {"200": {"description": "OK", "headers": headers, "content": _content(results)}}
    return {"operationId": name, "summary": summary, **request, "responses": found | _refusals(error)}


def _refusals(error: type) -> Schema:
    """Every status of an error, with the error types that have it, TorchServe's included."""
    kinds: dict[int, list[str]] = {status: [what] for status, what in TORCHSERVE_STATUSES.items()}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.RequestError) and kind is not errors.RequestError:
            is_other_task = error is answers.TEIError and kind is errors.UnknownPath
            kinds.setdefault(424 if is_other_task else kind.status, []).append(
                f"{kind.__name__}: {inspect.getdoc(kind)}"
            )
    # TorchServe's own errors have the same form at every door, and none of our headers.
    content = _content([_ref(error), *([] if issubclass(error, answers.Error) else [_ref(answers.Error)])])
    return {str(status): {"description": "\n".join(kinds[status]), "content": content} for status in sorted(kinds)}


def _content(forms: list[Schema]) -> Schema:
    return {"application/json": {"schema": _any_of(forms)}}


def _native(*, explains: bool) -> Schema:
    kinds = _bodies(native.body_of, explains=explains)
    return _json(kinds, {"inputs": "hello world"})


def _bodies(body_of: Callable[..., Any], *, explains: bool) -> list[Any]:
    """The types of a door's bodies, of each task that answers."""
    return [body_of(kind, explains=explains) for kind in TASKS.values() if kind.is_explained or not explains]


def _one_text() -> Schema:
    form = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
    return {
        "text/plain": {"schema": {"type": "string"}},
        "application/x-www-form-urlencoded": {"schema": {**form, "additionalProperties": False}},
    }


def _v1(key: str, *, explains: bool) -> Schema:
    kinds = _bodies(kserve_v1.body_of, explains=explains)
    one = _any_of([_ref(kind) for kind in EXPLANATION] if explains else _one_result())
    answer: Schema = {"type": "object", "properties": {key: {"type": "array", "items": one}}, "required": [key]}
    body = _json(kinds, {"instances": ["hello world"]})
    name = "explain_v1" if explains else "predict_v1"
    return _operation(name, f"KServe v1: {key}", body, [answer], answers.KServeError)


def _json(kinds: Iterable[Any], example: object) -> Schema:
    return {"application/json": {"schema": _any_of([_ref(kind) for kind in kinds]), "example": example}}


def _one_result() -> list[Schema]:
    return [_ref(form) for kind in TASKS.values() for form in kind.results]


def _results() -> list[Schema]:
    return [*_one_result(), {"type": "array", "items": _any_of(_one_result())}]


def _explained() -> list[Schema]:
    one = [_ref(kind) for kind in EXPLANATION]
    return [*one, {"type": "array", "items": _any_of(one)}]


def _any_of(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _ref(kind: Any) -> Schema:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return schema


def _components() -> Schema:
    asked = [
        *(kind for explains in (False, True) for kind in _bodies(native.body_of, explains=explains)),
        *(kind for explains in (False, True) for kind in _bodies(kserve_v1.body_of, explains=explains)),
        open_inference.InferBody,
        *(kind for about in describe_roots().values() for kind in about.requests),
    ]
    answered = [
        *(form for kind in TASKS.values() for form in kind.results),
        *EXPLANATION,
        answers.Health,
        answers.InferAnswer,
        answers.KServeError,
        *ERRORS.values(),
        *(kind for about in describe_roots().values() for kind in about.results),
    ]
    _, requests = msgspec.json.schema_components(asked, ref_template=REF)
    _, responses = msgspec.json.schema_components(answered, ref_template=REF)
    for schema in requests.values():
        _take_nulls(schema)
    return dict(sorted((requests | responses).items()))


def _take_nulls(schema: Schema) -> None:
    """Let null stand for every field that may be absent, as handler.wire.convert reads it."""
    properties = schema.get("properties", {})
    for name in properties.keys() - set(schema.get("required", ())):
        field = properties[name]
        about = {key: field[key] for key in ("default", "description") if key in field}
        bare = {key: value for key, value in field.items() if key not in about}
        forms = bare.get("anyOf", [bare])
        if {} not in forms and {"type": "null"} not in forms:
            properties[name] = {"anyOf": [*forms, {"type": "null"}], **about}


def _describe_all(components: Schema) -> Schema:
    """The schemas with the fields' own docstrings, which msgspec does not read."""
    for kind in _structs(msgspec.Struct):
        properties = components.get(kind.__name__, {}).get("properties", {})
        for owner in reversed(kind.__mro__):
            for name, text in _field_docs(owner).items():
                if name in properties:
                    properties[name]["description"] = text
    return components


def _structs(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _structs(kind)


def _field_docs(kind: type) -> dict[str, str]:
    """The docstring after each field of a class; none for a class without source."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except (OSError, TypeError):
        return {}
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value))
    return found


def render() -> str:
    """The document as docs/openapi.json holds it."""
    return msgspec.json.format(msgspec.json.encode(make_document()), indent=2).decode() + "\n"
