"""What one request may ask of the engine: how many texts and tokens, and nothing cut that must not be."""

from itertools import repeat

import msgspec

from .config import MAX_TEXTS_PER_REQUEST, MAX_TOKENS_PER_REQUEST, HandlerConfig
from .engine.pending import Pending
from .errors import InputTooLong, RequestError, TooManyInputs, TooManyTokens
from .inputs import TextInput
from .parameters import CutParameters
from .payload import Request
from .sizes import most_token_vectors
from .tasks.late import gives_tokens
from .text.tokenization import Encoded


def accept(request: Request, encoded: list[Encoded], config: HandlerConfig) -> list[Pending] | RequestError:
    """Return one request's inputs, or the error that says why it cannot be answered."""
    inputs: list[Pending] = []
    for source, texts in zip(request.inputs, map(_mark, encoded, repeat(request)), strict=True):
        if isinstance(texts, RequestError):
            return texts.locate(source.param)
        num_tokens = sum([text.num_tokens for text in texts])
        inputs.append(
            Pending(
                source=source,
                parameters=request.parameters,
                texts=texts,
                num_tokens=num_tokens,
                deadline_s=request.deadline_s,
                is_raw=request.is_raw,
            )
        )
    return (
        _refuse_cuts(request, inputs)
        or refuse_too_many(request, sum([count_texts(each.source, len(each.texts)) for each in inputs]))
        or _too_many_tokens(request, sum([pending.num_tokens for pending in inputs]), config)
        or inputs
    )


def _mark(texts: Encoded, request: Request) -> Encoded:
    """Say of texts that what a model says of their tokens is asked for, if it is."""
    if isinstance(texts, RequestError) or not request.parameters.reads_tokens:
        return texts
    only_weights = not request.parameters.gives_tokens and not request.is_raw
    return [msgspec.structs.replace(text, reads_tokens=True, only_weights=only_weights) for text in texts]


def _refuse_cuts(request: Request, inputs: list[Pending]) -> InputTooLong | None:
    if not isinstance(request.parameters, CutParameters) or request.parameters.truncation:
        return None
    for pending in inputs:
        for text in pending.texts:
            if text.is_truncated:
                refusal = InputTooLong(
                    f"the text has {text.num_tokens_uncut} tokens and the model takes {text.num_tokens}: shorten it, "
                    'or send "truncation": true to have its end cut'
                )
                return refusal.locate(pending.source.param)
    return None


def count_texts(source: TextInput, num_read: int) -> int:
    """Return how many of a request's texts an input of `num_read` takes: a query that is read by itself is none."""
    return len(source.texts) or num_read


def refuse_too_many(request: Request, num_texts: int) -> TooManyInputs | None:
    if num_texts <= MAX_TEXTS_PER_REQUEST:
        return None
    return TooManyInputs(
        f"the model would read {num_texts} texts or more for this request, each pair and each window of a long text "
        f"counted, and {MAX_TEXTS_PER_REQUEST} are the most: send several requests with fewer inputs, texts or labels"
    ).locate(request.param)


def _too_many_tokens(request: Request, num_tokens: int, config: HandlerConfig) -> TooManyTokens | None:
    has_vectors = gives_tokens(request.parameters, config) and not request.is_raw  # known answers are sums of them
    most = most_token_vectors(config.vectors) if has_vectors else MAX_TOKENS_PER_REQUEST
    if num_tokens <= most:
        return None
    each = ", each with a vector," if has_vectors else ""
    return TooManyTokens(
        f"the model would read {num_tokens} tokens{each} for this request, and {most} are the most: send several "
        "requests with fewer or shorter texts"
    ).locate(request.param)
