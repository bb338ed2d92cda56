"""A client of the REST API: texts in, one result each, in as many requests as the server's limits need."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Self
from urllib.parse import quote

from .errors import RequestFailed, UsageError
from .rest import RestServer
from .results import Result, decode_results

# Of one request. A BERT-base on 2 cores computes about 450 tokens/s: 32 texts of 512 tokens take it 36 s, well within
# model-config.yaml's responseTimeout.
CHUNK_TEXTS = 32
# Of a request's JSON. Small beside any sensible max_request_size, and large beside what a request costs.
CHUNK_BYTES = 1_000_000
ANSWER_TIMEOUT_S = 300.0  # longer than model-config.yaml's responseTimeout, after which the server gives up
_INPUT_INDEX = re.compile(r"(?<=^/inputs/)\d+")


class Client:
    """A server's inference address, asked through one connection that is kept open."""

    def __init__(self, url: str) -> None:
        """`url` is http://HOST:PORT; nothing is connected yet."""
        self._server = RestServer(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._server.close()

    def predict(self, model: str, inputs: Sequence[str]) -> list[Result]:
        """One result per input, in order; RequestFailed with the server's own words for the first that it refuses."""
        if isinstance(inputs, str):
            raise UsageError("`inputs` is one text; give a list of texts: each character would be one")
        results: list[Result] = []
        for chunk in chunks(inputs):
            results += self._predict_chunk(model, chunk, offset=len(results))
        return results

    def _predict_chunk(self, model: str, chunk: list[str], *, offset: int) -> list[Result]:
        def decode(body: bytes) -> list[Result]:
            results = decode_results(body)
            if len(results) != len(chunk):
                raise ValueError(f"{len(results)} results for {len(chunk)} inputs")
            return results

        path = f"/predictions/{quote(model, safe='')}"
        try:
            return self._server.ask("POST", path, decode, timeout_s=ANSWER_TIMEOUT_S, body={"inputs": chunk})
        except RequestFailed as error:
            raise _as_the_user_counts(error, offset) from error


def _as_the_user_counts(error: RequestFailed, offset: int) -> RequestFailed:
    """The same error, its place counted over all inputs; `offset` of them went with earlier requests."""
    param = error.param and _INPUT_INDEX.sub(lambda index: str(int(index[0]) + offset), error.param)
    return RequestFailed(error.message, code=error.code, type=error.type, param=param)


def chunks(inputs: Sequence[str]) -> Iterator[list[str]]:
    """The inputs in order, cut so that no request has too many or too many bytes; a long text goes alone."""
    chunk: list[str] = []
    size_bytes = 0
    for text in inputs:
        text_bytes = len(json.dumps(text)) + 2  # requests sends ASCII, and ", " between two
        if chunk and (len(chunk) == CHUNK_TEXTS or size_bytes + text_bytes > CHUNK_BYTES):
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(text)
        size_bytes += text_bytes
    if chunk:
        yield chunk
