"""What OpenAI's embeddings have beside vectors of texts: token ids, base64, dimensions, how much was read."""

import base64
from typing import Any

import numpy as np
import openai
import pytest
from transformers import AutoTokenizer

from berth.sources.sample import sample_folder
from handler.config import Task
from tests.support.clients import Model
from tests.support.clients.openai_package import openai_client, read_error
from tests.support.clients.rest import NATIVE, OPENAI
from tests.support.servers import Server
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.server

SAMPLE = "bert"
NUM_DIMENSIONS = 384
MAX_TOKENS = 256
TOLERANCE = 1e-6
FORMAT = {"encoding_format": "float"}  # else the package asks for base64


@pytest.fixture
def model(answering_server: Server) -> Model:
    return answering_server.model(SAMPLE)


def embed(model: Model, source: Any, **fields: Any) -> np.ndarray:
    """The vectors of `input`, as they stand in the answer."""
    answer = OPENAI.ask(model, {"input": source, **fields})
    assert answer.error is None, answer
    return np.array(answer.results)


def assert_close(vectors: Any, expected: Any) -> None:
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=TOLERANCE)


def token_ids(texts: list[str]) -> list[list[int]]:
    """The sample's own tokens, special ones included, cut as it cuts."""
    tokenizer = AutoTokenizer.from_pretrained(sample_folder())
    return list(tokenizer(texts, truncation=True, max_length=MAX_TOKENS)["input_ids"])


def test_usage_counts_the_tokens_that_were_read(model: Model) -> None:
    texts = mixed_texts(8)
    with openai_client(model) as client:
        raw = client.embeddings.with_raw_response.create(input=texts, model="any name", user="somebody")
    answer = raw.parse()
    assert (answer.object, answer.model) == ("list", SAMPLE)
    num_tokens = sum(map(len, token_ids(texts)))
    assert answer.usage.model_dump() == {"prompt_tokens": num_tokens, "total_tokens": num_tokens}
    assert raw.headers["x-compute-tokens"] == str(num_tokens)
    assert raw.headers["x-truncated"]


def test_one_text_is_a_list_of_one(model: Model) -> None:
    assert_close(embed(model, "a text"), embed(model, ["a text"]))


def test_token_ids_stand_for_their_text(model: Model) -> None:
    texts = mixed_texts(8)
    expected, ids = embed(model, texts), token_ids(texts)
    assert_close(embed(model, ids), expected)
    assert_close(embed(model, ids[1]), expected[1:2])
    with openai_client(model) as client:
        by_package = client.embeddings.create(input=ids, model=SAMPLE, encoding_format="float").data
    assert_close([each.embedding for each in by_package], expected)


def test_token_ids_are_read_as_often_as_they_stand_there(model: Model) -> None:
    """No special tokens are added, and none is taken away."""
    (ids,) = token_ids(["a text"])
    answer = OPENAI.ask(model, {"input": [ids, [*ids[:-1], *ids]]})
    assert answer.headers["x-compute-tokens"] == str(len(ids) + 2 * len(ids) - 1)
    once, twice = np.array(answer.results)
    assert once @ twice < 0.99


def test_token_ids_of_another_tokenizer_are_refused_by_their_ends(model: Model) -> None:
    """What LangChain's OpenAIEmbeddings and LiteLLM send by themselves is tiktoken's; here cl100k's `hello world`."""
    with openai_client(model) as client, pytest.raises(openai.UnprocessableEntityError) as refused:
        client.embeddings.create(input=[[15339, 1917]], model=SAMPLE)
    error = read_error(refused.value).error or {}
    assert (error["type"], error["param"]) == ("InvalidInput", "/input/0")
    assert "its own begin with 101 ([CLS]) and end with 102 ([SEP])" in error["message"]
    assert "check_embedding_ctx_length=False" in error["message"]


def test_base64_is_the_floats(model: Model) -> None:
    texts = mixed_texts(5)
    encoded = OPENAI.ask(model, {"input": texts, "encoding_format": "base64"}).results or []
    decoded = [np.frombuffer(base64.b64decode(each, validate=True), "<f4") for each in encoded]
    assert_close(decoded, embed(model, texts))


def test_dimensions_is_the_parameter(model: Model) -> None:
    own = embed(model, ["a", "b"], dimensions=8)
    assert own.shape == (2, 8)
    native = NATIVE.ask(model, {"inputs": ["a", "b"], "parameters": {"dimensions": 8}}).results
    assert_close(own, native)
    assert_close(own, embed(model, ["a", "b"], parameters={"dimensions": 8}))
    assert_close(embed(model, "a", dimensions=NUM_DIMENSIONS), embed(model, "a"))


def test_null_is_absence(model: Model) -> None:
    """As older LiteLLM and Dify send it: vectors are then floats, though the package asks for base64 by itself."""
    expected = embed(model, ["a text"])
    nulls: dict[str, Any] = dict.fromkeys(("encoding_format", "dimensions", "user", "parameters"))
    with openai_client(model) as client:
        (by_package,) = client.embeddings.create(input=["a text"], model=SAMPLE, extra_body=nulls).data
    assert_close([by_package.embedding], expected)
    assert_close(OPENAI.ask(model, {"input": ["a text"], "model": None, **nulls}).results, expected)


# Fields, type, pointer, a part of the message.
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "InvalidInput", "/input", "missing"),
    ({"input": [["a"]]}, "InvalidInput", "/input/0/0", "integer"),
    ({"input": ["a", 5]}, "InvalidInput", "/input", "mixes"),
    ({"input": [5, [6]]}, "InvalidInput", "/input", "mixes"),
    ({"input": [[5], []]}, "InvalidInput", "/input/1", "length >= 1"),
    ({"input": [[5], [-1]]}, "InvalidInput", "/input/1/0", ">= 0"),
    ({"input": [[101, 102], [101, 30_522, 102]]}, "InvalidInput", "/input/1", "30522"),
    ({"input": [[5], [10**30]]}, "InvalidInput", "/input/1/0", ""),
    ({"input": [[101, 102], [5]]}, "InvalidInput", "/input/1", "begin with 101 ([CLS]) and end with 102 ([SEP])"),
    ({"input": [101, 5, 102, 0]}, "InvalidInput", "/input", "no padding"),
    ({"input": [101]}, "InvalidInput", "/input", "end with 102 ([SEP])"),
    ({"input": [[101, 102], [101, *[5] * 255, 102]]}, "InputTooLong", "/input/1", "257 token ids"),
    ({"input": [101, *[5] * 255, 102]}, "InputTooLong", "/input", "257 token ids"),
    ({"input": [[5]], "parameters": {"prompt_name": "query"}}, "InvalidParameter", "/parameters/prompt_name", "prompt"),
    ({"input": "a", "encoding_format": "hex"}, "InvalidParameter", "/encoding_format", "hex"),
    ({"input": "a", "dimensions": 0}, "InvalidParameter", "/dimensions", ">= 1"),
    ({"input": "a", "dimensions": NUM_DIMENSIONS + 1}, "InvalidParameter", "/dimensions", str(NUM_DIMENSIONS)),
    ({"input": "a", "dimensions": 8, "parameters": {"dimensions": 8}}, "InvalidParameter", "/dimensions", "twice"),
    ({"input": "a", "model": 5}, "InvalidParameter", "/model", "string"),
    ({"input": "a", "user": ["b"]}, "InvalidParameter", "/user", "string"),
]


@pytest.mark.parametrize(("fields", "kind", "param", "says"), REFUSED, ids=[str(case[0])[:60] for case in REFUSED])
def test_refused(model: Model, fields: dict[str, Any], kind: str, param: str, says: str) -> None:
    error = OPENAI.ask(model, fields).error
    assert error is not None
    assert (error["code"], error["type"], error["param"]) == (422, kind, param)
    assert says in error["message"]


@pytest.mark.parametrize("task", [task for task in Task if task is not Task.EMBEDDINGS])
def test_other_tasks_have_no_embeddings(tasks_server: Server, task: Task) -> None:
    error = OPENAI.ask(tasks_server.model(task), {"input": "a"}).error
    assert error is not None
    assert (error["code"], error["type"], error["param"]) == (404, "UnknownPath", None)
    assert task in error["message"]
