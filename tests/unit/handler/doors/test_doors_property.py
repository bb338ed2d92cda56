"""Whatever arrives at a door: a request or its own error, never an exception; and what one door says, all say."""

import base64
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.config import Task
from handler.doors.call import Call, Reply
from handler.doors.kserve_v1 import InstancesReply
from handler.doors.native import NativeReply
from handler.doors.open_inference import TensorReply
from handler.doors.openai.embeddings import EmbeddingsReply
from handler.doors.route import open_call
from handler.errors import InternalError, InvalidInput
from handler.parameters import EncodingFormat
from handler.payload import Answered, DeepCheck, ModelIdentity, Prediction, Rejected, Request, Response
from handler.tasks import TASKS
from tests.support.clients.answers import bare_error, error_with_message, wrapped_error
from tests.support.clients.infer_rest import read_outputs
from tests.support.clients.rest import openai_vectors, under
from tests.support.clients.tensors import to_tensors
from tests.support.standin_model import identify

same_every_time = settings(derandomize=True, deadline=None, database=None, max_examples=400)

MAX_ERROR_BYTES = 4096
JSON = {"content-type": "application/json"}
REST = {"explain": "False"}


def output_error(value: Any) -> dict[str, Any]:
    """The error of Open Inference over gRPC, where TorchServe prints what stands in `data`."""
    (output,) = value["outputs"]
    assert {**output, "data": []} == {"name": "error", "datatype": "BYTES", "shape": [1], "data": []}
    return bare_error(output["data"][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The headers that TorchServe adds, and the dress of errors."""

    headers: Mapping[str, str] = field(default_factory=dict)
    undress: Callable[[Any], dict[str, Any]] = bare_error


DOORS = {
    "native": Door(headers={**REST, "url_path": ""}),
    "explanations": Door(headers={"explain": "True", "url_path": ""}),
    "nowhere": Door(headers={**REST, "url_path": "v1/\r\nmodels"}),
    "KServe": Door(headers=REST, undress=error_with_message),
    "KServe explain": Door(headers={"explain": "True"}, undress=error_with_message),
    "OpenAI": Door(headers={**REST, "url_path": "v1/embeddings"}, undress=wrapped_error),
    "gRPC": Door(),
}

# Anything at all, and what looks like a request as far as some key or other.
anything = st.text(st.characters(exclude_categories=()), max_size=20)
long_text = st.builds(lambda text, count: text * count, anything, st.sampled_from((1, 1, 1000, 50_000)))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | long_text
keys = st.sampled_from(sorted({key for task in Task for key in TASKS[task].keys} | {"name", "shape"})) | long_text
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))
some_texts = st.just("x") | st.lists(st.just("eA=="), max_size=3) | values  # base64 where that is read
tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("text", "text", "query", "parameters")) | anything,
        "shape": st.sampled_from(([1], [2], [1, 1])) | values,
        "datatype": st.sampled_from(("BYTES", "STRING")) | values,
        "data": some_texts,
    },
    optional={"parameters": st.just({}) | values},
)


def tensors_of(task: Task) -> st.SearchStrategy[dict[str, Any]]:
    """Nothing is wrong but, perhaps, how many there are of what."""
    return st.builds(
        lambda name, shape, extra: {
            "name": name,
            "shape": shape,
            "datatype": "BYTES",
            "data": ["eA=="] * (math.prod(shape) + extra),
        },
        st.sampled_from(TASKS[task].keys),
        st.sampled_from(([1], [2], [2, 1], [1, 2], [0])),
        st.sampled_from((0, 0, 0, 1)),
    )


objects = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("inputs", "instances", "input"), some_texts | st.lists(tensors, max_size=3)),
        "parameters": st.dictionaries(st.sampled_from(("top_k", "threshold")) | long_text, values) | values,
        **dict.fromkeys(("encoding_format", "dimensions", "model", "id", "outputs"), values),
    },
)
bodies = st.binary(max_size=50) | st.builds(lambda value: json.dumps(value).encode(), values | objects | objects)
media_types = st.one_of(
    *[st.just("application/json")] * 5, st.sampled_from(("text/plain", "application/json; charset=utf-8")), anything
)
names = st.sampled_from(("body", "body", "body", "data", "explain", "url_path", "describe", "content-type")) | anything
field_lists = st.one_of(bodies.map(lambda body: {"body": body}), st.dictionaries(names, bodies, max_size=2))
extra_headers = st.dictionaries(anything, long_text, max_size=2) | st.just({"describe": "True"})
tasks = st.sampled_from(Task)


def check_response(response: Response) -> None:
    """What TorchServe's frontend can send on; anything else kills the worker."""
    assert response.phrase.isascii()
    assert response.phrase.isprintable()
    for name, value in response.headers.items():
        assert (name + value).isascii()
        assert (name + value).isprintable()


def check_refusal(call: Call, undress: Callable[[Any], dict[str, Any]]) -> None:
    """A user's mistake, in the door's dress, short, under a phrase of the type's own."""
    assert isinstance(call.item, Rejected)
    error = call.item.error
    assert not isinstance(error, InternalError)
    response = call.reply.format_error(error)
    check_response(response)
    assert len(response.body) <= MAX_ERROR_BYTES
    assert (response.phrase, response.headers) == (type(error).phrase, {})
    shown = undress(json.loads(response.body))
    assert (shown["code"], shown["type"]) == (response.status, type(error).__name__)
    assert 400 <= response.status < 500
    assert shown["message"]


@same_every_time
@given(st.sampled_from(sorted(DOORS)), tasks, field_lists, media_types, extra_headers)
def test_whatever_arrives_is_read_or_refused(
    name: str, task: Task, fields: dict[str, Any], media: str, extra: dict[str, str]
) -> None:
    door, model = DOORS[name], identify(task)
    # As TorchServe's worker merges them: each field's own header, the client's, the frontend's.
    of_fields = {field: {"content-type": ""} for field in fields}
    asked_for = {key: value for key, value in extra.items() if key not in ("explain", "url_path")}
    headers = of_fields if name == "gRPC" else {**of_fields, **asked_for, "content-type": media, **door.headers}
    if "url_path" in fields and name.startswith("KServe"):
        return  # it looks native; see test_a_field_can_choose_no_other_door
    call = open_call(fields, headers, model)
    if isinstance(call.item, Rejected):
        check_refusal(call, door.undress)
    else:
        assert isinstance(call.item, Request | DeepCheck | Answered)


@same_every_time
@given(tasks.flatmap(lambda task: st.tuples(st.just(task), st.lists(tensors_of(task) | tensors, max_size=3))), anything)
def test_whatever_torchserve_writes_of_grpc_tensors_is_read_or_refused(
    sent_to: tuple[Task, list[dict[str, Any]]], request_id: str
) -> None:
    task, sent = sent_to
    body = json.dumps({"id": request_id, "model_name": "m", "inputs": sent}).encode()
    model = identify(task)
    call = open_call({"body": body}, {"body": JSON}, model)
    if isinstance(call.item, Rejected):
        check_refusal(call, output_error)


@same_every_time
@given(anything, st.sampled_from(("True", "False")))
def test_a_field_can_choose_no_other_door(path: str, explain: str) -> None:
    """Fields stand among the headers: one named as the frontend's header is refused, whatever is in it."""
    headers = {"url_path": {"content-type": path}, "explain": explain}
    fields = {"url_path": path.encode("utf-8", "replace")}
    call = open_call(fields, headers, identify(Task.EMBEDDINGS))
    check_refusal(call, bare_error)


@same_every_time
@given(long_text, st.none() | anything)
def test_an_error_says_what_it_says_in_every_dress(message: str, param: str | None) -> None:
    model = identify(Task.EMBEDDINGS)
    dresses: list[tuple[Reply, Callable[[Any], dict[str, Any]]]] = [
        (NativeReply(), bare_error),
        (InstancesReply(), error_with_message),
        (TensorReply(model=model), error_with_message),
        (TensorReply(model=model, id="", is_grpc=True), output_error),
        (EmbeddingsReply(), wrapped_error),
    ]
    readable = message.encode("utf-8", "replace").decode()
    for reply, undress in dresses:
        response = reply.format_error(InvalidInput(readable, param and param.encode("utf-8", "replace").decode()))
        check_response(response)
        assert undress(json.loads(response.body))["message"] == readable


texts = st.text(max_size=20)
one_input: dict[Task, st.SearchStrategy[Any]] = {
    Task.TEXT_CLASSIFICATION: st.fixed_dictionaries({"text": texts, "text_pair": texts}),
    Task.QUESTION_ANSWERING: st.fixed_dictionaries(dict.fromkeys(("question", "context"), st.text(min_size=1))),
    Task.TEXT_RANKING: st.fixed_dictionaries({"query": texts, "texts": st.tuples(texts, texts).map(list)}),
}
some_parameters: dict[Task, st.SearchStrategy[dict[str, Any]]] = {
    Task.EMBEDDINGS: st.fixed_dictionaries({}, optional={"dimensions": st.integers(1, 9), "prompt_name": texts}),
    Task.TEXT_CLASSIFICATION: st.fixed_dictionaries({}, optional={"top_k": st.none() | st.integers(1, 9)}),
    Task.ZERO_SHOT_CLASSIFICATION: st.fixed_dictionaries(
        {"candidate_labels": st.lists(st.text(min_size=1), min_size=1)}, optional={"multi_label": st.booleans()}
    ),
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: st.fixed_dictionaries(
        {"candidate_labels": st.lists(st.text(min_size=1), min_size=1)},
        optional={"multi_label": st.booleans(), "flat_ner": st.booleans(), "threshold": st.floats(0, 1)},
    ),
}
good_requests = tasks.flatmap(
    lambda task: st.tuples(
        st.just(task),
        st.lists(one_input.get(task, texts), min_size=1, max_size=4),
        some_parameters.get(task, st.just({})),
    )
)


def read(model: ModelIdentity, headers: Mapping[str, Any], body: dict[str, Any]) -> tuple[Any, ...]:
    """The inputs and parameters that a door reads."""
    call = open_call({"body": json.dumps(body).encode()}, headers, model)
    assert isinstance(call.item, Request), call.item
    inputs = [(source.text, source.text_pair, source.texts) for source in call.item.inputs]
    return inputs, call.item.parameters


def as_grpc(tensor: dict[str, Any]) -> dict[str, Any]:
    """A tensor as TorchServe writes it."""
    return {**tensor, "data": [base64.b64encode(text.encode()).decode() for text in tensor["data"]]}


@same_every_time
@given(good_requests)
def test_every_door_reads_the_same(good: tuple[Task, list[Any], dict[str, Any]]) -> None:
    task, inputs, parameters = good
    model = identify(task)
    at_native, at_kserve = ({**JSON, **DOORS[name].headers} for name in ("native", "KServe"))
    expected = read(model, at_native, {"inputs": inputs, "parameters": parameters})
    columns = [tensor.as_json() for tensor in to_tensors(inputs)]
    tensor = {"name": "parameters", "shape": [1], "datatype": "BYTES", "data": [json.dumps(parameters)]}
    written = {"id": "", "model_name": "m", "inputs": [as_grpc(each) for each in [*columns, tensor]]}
    assert read(model, at_kserve, {"instances": inputs, "parameters": parameters}) == expected
    assert read(model, at_kserve, {"inputs": columns, "parameters": parameters}) == expected
    assert read(model, at_kserve, {"inputs": [*columns, tensor]}) == expected
    assert read(model, {"body": JSON}, written) == expected
    if task is Task.EMBEDDINGS:
        at_openai = {**JSON, **DOORS["OpenAI"].headers}
        assert read(model, at_openai, {"input": inputs, "parameters": parameters}) == expected


numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
vectors = st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4)
results = st.lists(st.fixed_dictionaries({"label": texts, "score": numbers}), min_size=1, max_size=4)


def written(reply: Reply, found: list[Any]) -> Any:
    """What a door sends of these results; a vector's digits are those of its float32."""
    values = [np.asarray(each, np.float32) if isinstance(each, list) else each for each in found]
    response = reply.format_predictions([Prediction(value=each, num_tokens=1, is_truncated=True) for each in values])
    check_response(response)
    assert response.headers["x-truncated"] == ",".join(str(index) for index in range(len(found)))
    are_vectors = any(isinstance(each, np.ndarray) for each in values)
    return json.loads(response.body, parse_float=(lambda digits: float(np.float32(digits))) if are_vectors else None)


@same_every_time
@given(results | vectors, anything)
def test_every_door_sends_results_that_can_be_read_back(found: list[Any], request_id: str) -> None:
    task = Task.EMBEDDINGS if isinstance(found[0], list) else Task.TEXT_CLASSIFICATION
    model = identify(task)
    readable = request_id.encode("utf-8", "replace").decode()
    assert written(NativeReply(is_list=True), found) == found
    assert written(NativeReply(), found) == found[0]
    assert under("predictions")(written(InstancesReply(), found)) == found
    tensors = written(TensorReply(model=model, id=readable), found)
    assert (read_outputs(tensors), tensors["id"]) == (found, readable)
    if task is Task.EMBEDDINGS:
        assert openai_vectors(written(EmbeddingsReply(model="m"), found)) == found
        (packed, *_) = openai_vectors(written(EmbeddingsReply(encoding=EncodingFormat.BASE64), found))
        assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == found[0]
