"""Inputs as they are sent, each written once, and cut into requests that keep the server's limits. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from .messages import Input, Parameters

# Texts that the model reads for one request. A BERT-base on 2 cores computes about 450 tokens/s: 16 texts of 512 tokens
# take it 18 s, well within model-config.yaml's responseTimeout.
CHUNK_TEXTS = 16
# A request's JSON: small beside any sensible max_request_size, and large beside what a request costs.
CHUNK_BYTES = 1_000_000
BETWEEN = b", "
_ENCODER = json.JSONEncoder(allow_nan=False)


@dataclass(frozen=True, slots=True)
class EncodedInput:
    """One input as JSON."""

    json: bytes
    num_texts: int
    """Texts and pairs that the model reads for it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the inputs of the native door's request."""

    begin: bytes
    end: bytes

    @classmethod
    def of(cls, parameters: Parameters | None) -> Self:
        """Write what all requests with these parameters, which are plain JSON values, have in common."""
        end = b"]}" if parameters is None else b'], "parameters": %s}' % encode(parameters)
        return cls(b'{"inputs": [', end)

    def around(self, inputs: Iterable[EncodedInput]) -> bytes:
        """The body of a request."""
        return self.begin + BETWEEN.join(each.json for each in inputs) + self.end


def encode(value: object) -> bytes:
    """Write a plain JSON value (`inputs.py`)."""
    return _ENCODER.encode(value).encode("ascii")


def encode_input(source: Input, parameters: Parameters | None) -> EncodedInput:
    """Write an input that is a plain JSON value; what a request sets for it may have it read several times."""
    return EncodedInput(encode(source), count_texts(source, parameters))


def cut_chunks(inputs: Iterable[EncodedInput], frame: Frame, max_texts: int) -> Iterator[list[EncodedInput]]:
    """Cut the inputs, in order, so that no request has too many texts or bytes; an input that has them goes alone."""
    chunk: list[EncodedInput] = []
    empty_bytes = len(frame.begin) + len(frame.end)
    num_texts, size_bytes = 0, empty_bytes
    for source in inputs:
        source_bytes = len(source.json) + len(BETWEEN)
        if chunk and (num_texts + source.num_texts > max_texts or size_bytes + source_bytes > CHUNK_BYTES):
            yield chunk
            chunk, num_texts, size_bytes = [], 0, empty_bytes
        chunk.append(source)
        num_texts += source.num_texts
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
