"""A client of the REST API: inputs in, one result each, in as many requests as the server's limits need."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Self
from urllib.parse import quote

from ..errors import RequestFailed, UsageError
from .connection import Connection
from .messages import ANSWER_TIMEOUT_S, Input, Parameters, Result, decode_results, make_body, to_json

# Texts that the model reads for one request. A BERT-base on 2 cores computes about 450 tokens/s: 16 texts of 512 tokens
# take it 18 s, well within model-config.yaml's responseTimeout.
CHUNK_TEXTS = 16
# A request's JSON: small beside any sensible max_request_size, and large beside what a request costs.
CHUNK_BYTES = 1_000_000
# Only the server knows in how many windows a long text is read, and how long the answers are: half a request may do.
HALVED_FOR = ("TooManyInputs", "TooManyTokens", "ResponseTooLarge")
_INPUT_INDEX = re.compile(r"(?<=^/inputs/)\d+")


class RestClient:
    """A server's inference address, asked through one connection that is kept open."""

    def __init__(self, url: str) -> None:
        """`url` is http://HOST:PORT; nothing is connected before the first request."""
        self._server = Connection(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def predict(self, model: str, inputs: Sequence[Input], parameters: Parameters | None = None) -> list[Result]:
        """One result per input, in order; RequestFailed with the server's own words for the first that it refuses."""
        return self._ask_all(f"/predictions/{quote(model, safe='')}", inputs, parameters, CHUNK_TEXTS)

    def explain(self, model: str, inputs: Sequence[Input], parameters: Parameters | None = None) -> list[Result]:
        """One explanation per input, in order, each asked for by itself: the server gives a batch of them 5 s."""
        return self._ask_all(f"/explanations/{quote(model, safe='')}", inputs, parameters, 1)

    def _ask_all(
        self, path: str, inputs: Sequence[Input], parameters: Parameters | None, max_texts: int
    ) -> list[Result]:
        if isinstance(inputs, str | Mapping):
            raise UsageError(
                "`inputs` is a single input: give a list of them, or each of its characters (or keys) would be one"
            )
        results: list[Result] = []
        for chunk in chunks(inputs, parameters, max_texts):
            results += self._ask(path, chunk, parameters, offset=len(results))
        return results

    def _ask(self, path: str, chunk: list[Input], parameters: Parameters | None, *, offset: int) -> list[Result]:
        """The results of a chunk, asked for in two halves if the server wants fewer inputs at once."""
        decode = partial(decode_results, count=len(chunk))
        body = make_body(chunk, parameters)
        try:
            return self._server.ask("POST", path, decode, timeout_s=ANSWER_TIMEOUT_S, body=body)
        except RequestFailed as error:
            if len(chunk) == 1 or error.type not in HALVED_FOR:
                raise _as_the_user_counts(error, offset, len(chunk)) from error
        half = len(chunk) // 2
        results = self._ask(path, chunk[:half], parameters, offset=offset)
        return results + self._ask(path, chunk[half:], parameters, offset=offset + half)


def _as_the_user_counts(error: RequestFailed, offset: int, count: int) -> RequestFailed:
    """The error with its place counted over all inputs; `offset` of them went with earlier requests."""
    param = error.param and _INPUT_INDEX.sub(lambda index: str(int(index[0]) + offset), error.param)
    if count == 1 and error.type in HALVED_FOR:  # said of the request, and true of the input that it consists of
        param = f"/inputs/{offset}"
    return RequestFailed(error.message, code=error.code, type=error.type, param=param)


def chunks(
    inputs: Sequence[Input], parameters: Parameters | None = None, max_texts: int = CHUNK_TEXTS
) -> Iterator[list[Input]]:
    """Cut the inputs, in order, so that no request has too many texts or bytes; an input that has them goes alone."""
    chunk: list[Input] = []
    empty_bytes = len(to_json(make_body([], parameters)))
    num_texts, size_bytes = 0, empty_bytes
    for source in inputs:
        texts = count_texts(source, parameters)
        source_bytes = len(to_json(make_body(source, None)))  # its own and more than the ", " between two
        if chunk and (num_texts + texts > max_texts or size_bytes + source_bytes > CHUNK_BYTES):
            yield chunk
            chunk, num_texts, size_bytes = [], 0, empty_bytes
        chunk.append(source)
        num_texts += texts
        size_bytes += source_bytes
    if chunk:
        yield chunk


def count_texts(source: Input, parameters: Parameters | None) -> int:
    """How many texts and pairs the model reads for an input: one for each text of a ranking, or for each label."""
    texts = source.get("texts") if isinstance(source, Mapping) else None
    labels = (parameters or {}).get("candidate_labels")
    if isinstance(labels, str):
        labels = [label for label in labels.split(",") if label.strip()]
    return _length(texts) * _length(labels)


def _length(value: object) -> int:
    return len(value) if value and isinstance(value, list | tuple) else 1
