"""POST similarity: the cosines between a sentence's vector and those of others."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from ...inputs import TextInput, check_count
from ...payload import ModelIdentity, Prediction, Request
from ...vectors.settings import Kind
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, set_parameters
from ..paths import Form
from .truncating import HINTS, WORDS, Truncating

EXAMPLE = '{"inputs": {"source_sentence": "your text", "sentences": ["another"]}}'
ADVICE = advise_json(EXAMPLE)


class SimilarityInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence, and those that it is compared with."""

    source_sentence: str
    sentences: Annotated[list[str], Meta(min_length=1)]


class SimilarityParameters(Truncating, frozen=True, kw_only=True):
    """How the sentences are read."""

    prompt_name: str | None = None
    """Which of the checkpoint's prompts goes before each text."""


class SimilarityRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of TEI's similarity."""

    inputs: SimilarityInput
    parameters: SimilarityParameters = SimilarityParameters()


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with a sentence and others; RequestError says what is wrong with it."""
    body = convert(value, SimilarityRequest, {"": f"send {EXAMPLE}", "parameters": HINTS["truncation_direction"]})
    sentences = body.inputs.sentences
    check_count(1 + len(sentences), "/inputs/sentences")
    source = TextInput(text=body.inputs.source_sentence, param="/inputs/source_sentence")
    others = [TextInput(text=text, param=f"/inputs/sentences/{place}") for place, text in enumerate(sentences)]
    own = body.parameters.cut()
    parameters = set_parameters(model.contract, vectors=Kind.DENSE, prompt_name=body.parameters.prompt_name, **own)
    reply = FormedReply(form=Form.TEI, make=partial(compare, count=1), words=WORDS)
    return Call(item=Request(inputs=(source, *others), parameters=parameters), reply=reply)


def compare(predictions: Sequence[Prediction], count: int) -> list[float]:
    """Return the cosines of the first `count` vectors with the others: of one with each, or of each with its own."""
    vectors = np.asarray([prediction.value for prediction in predictions], np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    cosines: list[float] = (units[:count] * units[count:]).sum(axis=1).tolist()
    return cosines
