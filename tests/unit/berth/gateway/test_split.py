"""Requests for embeddings in parts, and their answers as one: what was sent comes out, in its order."""

import json
from typing import Any

import pytest

from berth.gateway.error_answer import ErrorAnswer
from berth.gateway.over_http.embeddings import MAX_INPUTS, Part, join, join_truncated, shift_error, split

ROOM = 2**20


def request(inputs: object, **others: object) -> bytes:
    return json.dumps({"model": "é", "input": inputs, **others}).encode()


def read(part: Part) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(part.body)
    return value


def answer(*vectors: str, tokens: int = 1, beside: str = "") -> bytes:
    """Vectors as JSON, whose numbers must come through as they are written."""
    data = ", ".join(
        f'{{"object": "embedding", "index": {index}, "embedding": {vector}}}' for index, vector in enumerate(vectors)
    )
    usage = f'{{"prompt_tokens": {tokens}, "total_tokens": {tokens}}}'
    return f'{{"object": "list", "data": [{data}], "model": "m", "usage": {usage}{beside}}}'.encode()


@pytest.mark.parametrize("count", [1, 256, 257, 513, MAX_INPUTS])
def test_parts_hold_every_input_once_and_in_order(count: int) -> None:
    texts = [f'"{number}\\' for number in range(count)]
    parts = split(request(texts, encoding_format="base64", parameters={"a": [1]}), ROOM)
    assert [text for part in parts for text in read(part)["input"]] == texts
    assert [part.first for part in parts] == list(range(0, count, 256))
    for part in parts:
        others = {key: value for key, value in read(part).items() if key != "input"}
        assert others == {"model": "é", "encoding_format": "base64", "parameters": {"a": [1]}}


def test_parts_have_no_more_bytes_than_there_is_room() -> None:
    texts = ["x" * length for length in (900, 50, 50, 880, 1, 930)]
    parts = split(request(texts), 1000)
    assert [text for part in parts for text in read(part)["input"]] == texts
    assert [len(read(part)["input"]) for part in parts] == [2, 3, 1]
    assert all(len(part.body) <= 1000 for part in parts)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'{"input": "a"}', b'{"input": [1, 2]}', b'{"input": []}'])
def test_what_is_no_list_of_inputs_goes_as_it_came(body: bytes) -> None:
    assert [part.body for part in split(body, ROOM)] == [body]


def test_a_list_of_token_ids_is_one_input_and_a_list_of_lists_several() -> None:
    (one,) = split(request(list(range(1000))), ROOM)
    assert read(one)["input"] == list(range(1000))
    several = split(request([[number] for number in range(1000)]), ROOM)
    assert [ids for part in several for ids in read(part)["input"]] == [[number] for number in range(1000)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (request(["a"] * 2049), "input has 2049 and at most 2048"),
        (request(["a", "b" * 2000]), "input.1 has 2002 bytes"),
        (request("b" * 2000), "bytes, more than 1000"),
    ],
)
def test_what_cannot_fit_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(ErrorAnswer, match=says) as raised:
        split(body, 1000)
    assert raised.value.status == 413


def test_halves_are_the_whole() -> None:
    (part,) = split(request(["a", "b", "c", "d", "e"]), ROOM)
    first, second = part.halves()
    assert (read(first)["input"], read(second)["input"], second.first) == (["a", "b"], ["c", "d", "e"], 2)


def test_answers_are_joined_without_a_change_in_a_number() -> None:
    parts = [Part(first=0, items=(), rest=b""), Part(first=2, items=(), rest=b"")]
    vectors = ["[1e-7,0.1234567890123]", "[-0.0]"], ['"AACAPw=="']
    whole = b"".join(join([(part, answer(*each, tokens=7)) for part, each in zip(parts, vectors, strict=True)]))
    value = json.loads(whole)
    assert [each["index"] for each in value["data"]] == [0, 1, 2]
    assert [each["object"] for each in value["data"]] == ["embedding"] * 3
    assert all(vector.encode() in whole for several in vectors for vector in several)
    assert value["usage"] == {"prompt_tokens": 14, "total_tokens": 14}
    with pytest.raises(ValueError, match="data"):
        join([(parts[0], b'{"object": "list"}')])


def test_what_was_cut_keeps_its_places_in_the_whole() -> None:
    parts = [Part(first=first, items=(), rest=b"") for first in (0, 2, 4)]
    bodies = [answer("[1]", "[2]"), answer("[3]", "[4]", beside=', "truncated": [1]'), answer("[5]")]
    assert json.loads(b"".join(join(list(zip(parts, bodies, strict=True)))))["truncated"] == [3]
    assert "truncated" not in json.loads(b"".join(join([(parts[0], bodies[0])])))


def test_places_are_those_of_the_whole() -> None:
    first, second = Part(first=0, items=(), rest=b""), Part(first=256, items=(), rest=b"")
    assert join_truncated([(first, "3"), (second, None), (second, "0,9")]) == "3,256,265"
    error = {"error": {"code": 422, "message": "input.3.0: wrong, input.3 too", "param": "/input/3/0"}}
    shifted = json.loads(shift_error(json.dumps(error).encode(), 256))["error"]
    assert (shifted["param"], shifted["message"]) == ("/input/259/0", "input.259.0: wrong, input.3 too")
    others: list[object] = [{"error": {"param": "/input", "message": "m"}}, {"error": "text"}, []]
    for other in others:
        assert json.loads(shift_error(json.dumps(other).encode(), 256)) == other
