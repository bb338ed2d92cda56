"""A client of the REST API: inputs in, one result each, in as many requests as the server's limits need."""

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self
from urllib.parse import quote

from ..errors import BerthError, RequestFailed, ServerUnreachable, TruncationWarning, UsageError
from .access import Access
from .addresses import MANAGEMENT_VARIABLE, inference_url, management_url
from .chunks import CHUNK_TEXTS, EncodedInput, Frame, cut_chunks, encode_input
from .connection import CONNECT_TIMEOUT_S, MAX_KEPT, Connection
from .inputs import plain_inputs, plain_parameters
from .management import ManagementClient
from .messages import ANSWER_TIMEOUT_S, Input, Model, Parameters, Results, decode_results, require_one

# Only the server knows in how many windows a long text is read, and how long the answers are: half a request may do.
HALVED_FOR = ("TooManyInputs", "TooManyTokens", "ResponseTooLarge")

MAX_NAMED = 10
"""Inputs that were cut, by their place in a sentence."""
TIMEOUT_HEADER = "x-timeout-ms"  # the server refuses, uncomputed, what it cannot answer within so many milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is asked for."""

    path: str
    max_texts: int
    """Texts that the model reads for one request, unless one input has more."""


PREDICTIONS = Kind(path="predictions", max_texts=CHUNK_TEXTS)
EXPLANATIONS = Kind(path="explanations", max_texts=1)
_INPUT_INDEX = re.compile(r"(?<=^/inputs/)\d+")


class RestClient:
    """A server's inference address, asked through connections that are kept open; from several threads too."""

    def __init__(
        self,
        url: str | None = None,
        *,
        max_kept: int = MAX_KEPT,
        timeout_s: float | None = None,
        api_key: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        """`url` is http:// or https://HOST:PORT, or what the environment says; nothing is connected yet.

        `max_kept`: connections that are kept open, one for each thread that asks. `timeout_s`: how long each request
        may take, which the server is told; without it 300 s, and a refusal that says when to try again is tried again.
        `api_key`, `ca_file` (PEM): what opens a locked server; else what the environment says.
        """
        access = Access.find(os.environ, api_key, ca_file)
        url = inference_url(os.environ) if url is None else url
        self._server = Connection(url, max_kept=max_kept, access=access, is_patient=timeout_s is None)
        self._timeout_s = ANSWER_TIMEOUT_S if timeout_s is None else timeout_s
        self._headers = None if timeout_s is None else {TIMEOUT_HEADER: f"{max(1, round(timeout_s * 1000))}"}
        self._only_model: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def predict(self, inputs: Sequence[Input], parameters: Parameters | None = None, *, model: Model = None) -> Results:
        """One result per input, in order; RequestFailed with the server's own words for the first that it refuses.

        `model` may be left out where the server has one. TruncationWarning names the inputs that were cut.
        """
        return warned(self.ask(PREDICTIONS, inputs, parameters, model))

    def explain(self, inputs: Sequence[Input], parameters: Parameters | None = None, *, model: Model = None) -> Results:
        """One explanation per input, in order, each asked for by itself: the server gives a batch of them 5 s."""
        return warned(self.ask(EXPLANATIONS, inputs, parameters, model))

    def ask(self, kind: Kind, inputs: Sequence[Input], parameters: Parameters | None, model: Model) -> Results:
        """What `predict` and `explain` return, without a warning."""
        sources, settings = plain_inputs(inputs), plain_parameters(parameters)
        return self.ask_encoded(kind, [encode_input(each, settings) for each in sources], Frame.of(settings), model)

    def ask_encoded(self, kind: Kind, inputs: Sequence[EncodedInput], frame: Frame, model: Model) -> Results:
        """The same for inputs that are written already, and what stands around them."""
        path = f"/{kind.path}/{quote(self._find_only_model() if model is None else model, safe='')}"
        results = Results()
        for chunk in cut_chunks(inputs, frame, kind.max_texts):
            results.add(self._ask(path, chunk, frame, offset=len(results)))
        return results

    def _ask(self, path: str, chunk: Sequence[EncodedInput], frame: Frame, *, offset: int) -> Results:
        """The results of a chunk, asked for in two halves if the server wants fewer inputs at once."""
        body = frame.around(chunk)
        try:
            answer = self._server.send("POST", path, timeout_s=self._timeout_s, body=body, headers=self._headers)
        except RequestFailed as error:
            if len(chunk) == 1 or error.type not in HALVED_FOR:
                raise _as_the_user_counts(error, offset, len(chunk)) from error
        else:
            truncated = answer.headers.get("x-truncated")
            return self._server.read(answer, partial(decode_results, count=len(chunk), truncated=truncated))
        half = len(chunk) // 2
        results = self._ask(path, chunk[:half], frame, offset=offset)
        results.add(self._ask(path, chunk[half:], frame, offset=offset + half))
        return results

    def _find_only_model(self) -> str:
        """The only model of the server, which its management address knows; asked once."""
        if self._only_model is None:
            try:
                names = self._list_models()
            except BerthError as error:
                self._server.ask("GET", "/ping", bytes, timeout_s=CONNECT_TIMEOUT_S)  # is it an inference address?
                raise UsageError(f"name a model, for the server could not be asked which it has: {error}") from error
            self._only_model = require_one(names, self._server.url)
        return self._only_model

    def _list_models(self) -> list[str]:
        address = management_url(os.environ, self._server.url)
        try:
            with ManagementClient(address) as management:
                return management.models()
        except ServerUnreachable as error:
            raise BerthError(
                f"{address}, its management address, does not answer; set {MANAGEMENT_VARIABLE} to the right one"
            ) from error


def warned(results: Results) -> Results:
    """The results, after a TruncationWarning where inputs were cut; it points to the caller's caller."""
    if results.truncated:
        cut = results.truncated
        warnings.warn(describe_cut(cut[:MAX_NAMED], len(cut)), TruncationWarning, stacklevel=3)
    return results


def describe_cut(first: Sequence[int], count: int) -> str:
    """Say which of `count` inputs that were cut came first, and how to have them refused instead."""
    places = ", ".join(f"inputs[{index}]" for index in first)
    more = f" and {count - len(first)} more" if count > len(first) else ""
    were = "was" if count == 1 else "were"
    return f'{places}{more} {were} longer than the model takes and {were} cut; with "truncation": false it is an error'


def _as_the_user_counts(error: RequestFailed, offset: int, count: int) -> RequestFailed:
    """The error with its place counted over all inputs; `offset` of them went with earlier requests."""
    param = error.param and _INPUT_INDEX.sub(lambda index: str(int(index[0]) + offset), error.param)
    if count == 1 and error.type in HALVED_FOR:  # said of the request, and true of the input that it consists of
        param = f"/inputs/{offset}"
    return RequestFailed(error.message, code=error.code, type=error.type, param=param)
