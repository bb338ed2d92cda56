"""A request for embeddings in parts that the server takes, and their answers as one. Pure.

Neither texts nor vectors are decoded: both stay the bytes that were sent.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from handler.config import MAX_INPUTS_PER_REQUEST

from ..error_answer import ErrorAnswer, too_large

MAX_INPUTS = 2048  # OpenAI's own limit
INPUT = "input"
NUMBERS = tuple(b"%d" % digit for digit in range(10))
AT_INPUT = re.compile(r"/input/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of a request's inputs, with all else that the request says."""

    first: int
    """The place of the first input in the whole request."""
    items: Sequence[bytes]
    """Each input as JSON; none where the request is sent as it came."""
    rest: bytes
    """The request's other fields as JSON, or the request as it came."""

    @property
    def body(self) -> bytes:
        """The part as a request."""
        if not self.items:
            return self.rest
        return b'{"input":[%b]%b}' % (b",".join(self.items), self.rest)

    def halves(self) -> tuple["Part", "Part"]:
        """The part as two, for a server that finds it too large."""
        middle = len(self.items) // 2
        return (
            replace(self, items=self.items[:middle]),
            replace(self, items=self.items[middle:], first=self.first + middle),
        )


def split(body: bytes, max_bytes: int) -> list[Part]:
    """The parts of a request, one where it fits; ErrorAnswer where it cannot be made to fit.

    What is no request for several inputs stays as it is, and is explained by the server.
    """
    fields = _read_fields(body)
    items = _read_items(fields.pop(INPUT, None))
    if len(items) > MAX_INPUTS:
        limit = f"at most {MAX_INPUTS} inputs are taken at once"
        raise ErrorAnswer(413, "TooManyInputs", f"input has {len(items)} and {limit}: send the rest in another request")
    if not items:
        if len(body) > max_bytes:
            raise too_large(len(body), max_bytes)
        return [Part(first=0, items=(), rest=body)]
    rest = b"".join(b",%b:%b" % (msgspec.json.encode(name), value) for name, value in fields.items())
    return list(_divide(items, rest, max_bytes))


def _divide(items: list[bytes], rest: bytes, max_bytes: int) -> Iterator[Part]:
    """Take as many inputs into each part as it has room for."""
    room = max_bytes - len(Part(first=0, items=[b""], rest=rest).body)
    first, num_bytes = 0, 0
    for index, item in enumerate(items):
        size = len(item) + len(b",")
        if size > room:
            raise ErrorAnswer(
                413, "RequestTooLarge", f"input.{index} has {len(item)} bytes, too many for one request: shorten it"
            )
        if index - first == MAX_INPUTS_PER_REQUEST or num_bytes + size > room:
            yield Part(first=first, items=items[first:index], rest=rest)
            first, num_bytes = index, 0
        num_bytes += size
    yield Part(first=first, items=items[first:], rest=rest)


def _read_fields(body: bytes) -> dict[str, msgspec.Raw]:
    """The request's fields as they were written; none where it is no object."""
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except ValueError:  # msgspec's are its subclasses
        return {}


def _read_items(value: msgspec.Raw | None) -> list[bytes]:
    """Several inputs as they were written; none where it is one: a text, or the token ids of one text."""
    if value is None or not bytes(value).lstrip().startswith(b"["):
        return []
    items = [bytes(item) for item in msgspec.json.decode(value, type=list[msgspec.Raw])]
    return [] if any(item[:1] in NUMBERS for item in items) else items


class Usage(msgspec.Struct):
    """How many tokens the model has read."""

    prompt_tokens: int
    total_tokens: int


class Embedding(msgspec.Struct):
    """One input's vector, as it was written: a list of numbers, or base64; and those of other kinds."""

    object: str
    index: int
    embedding: msgspec.Raw
    vectors: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Embeddings(msgspec.Struct):
    """What is read of the answer to a part."""

    data: list[Embedding]
    model: str
    usage: Usage
    truncated: list[int] = []


def join(answers: list[tuple[Part, bytes]]) -> list[bytes]:
    """The answer to the whole request, in pieces; ValueError when one is no answer of this protocol.

    It empties the list: a part's answer is given up for its piece, so that the whole is held once.
    """
    pieces, num_tokens, model = [b'{"object":"list","data":['], 0, ""
    cut: list[int] = []
    answers.reverse()
    while answers:
        part, body = answers.pop()
        read = msgspec.json.decode(body, type=Embeddings)
        for embedding in read.data:
            embedding.index += part.first
        pieces += (msgspec.json.encode(read.data)[1:-1], b",")
        num_tokens, model = num_tokens + read.usage.prompt_tokens, read.model
        cut += [part.first + place for place in read.truncated]
    usage = Usage(prompt_tokens=num_tokens, total_tokens=num_tokens)
    pieces[-1] = b'],"model":%b,"usage":%b' % (msgspec.json.encode(model), msgspec.json.encode(usage))
    pieces.append(b',"truncated":%b}' % msgspec.json.encode(cut) if cut else b"}")
    return pieces


def join_truncated(said: Sequence[tuple[Part, str | None]]) -> str:
    """The header x-truncated for the whole: the places of the inputs of which a part was read."""
    return ",".join(str(part.first + int(index)) for part, value in said if value for index in value.split(","))


def shift_error(body: bytes, first: int) -> bytes:
    """A part's error with the place that the input has in the whole request."""
    value = msgspec.json.decode(body)
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or (place := AT_INPUT.match(str(error.get("param")))) is None:
        return body
    new = int(place[1]) + first
    error["param"] = AT_INPUT.sub(f"/input/{new}", str(error["param"]), count=1)
    error["message"] = re.sub(rf"^input\.{place[1]}\b", f"input.{new}", str(error.get("message")))
    return msgspec.json.encode(value)
