"""POST hf: every task, as huggingface_hub's InferenceClient asks it and reads the answer.

Inputs and parameters are the native door's. Parameters of embeddings stand beside the inputs, as at TEI, which the Hub
serves them with; text-classification and zero-shot-classification have lists of labels in their answers
(huggingface_hub 2.4, inference/_client.py and _providers/hf_inference.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from ...config import Task
from ...errors import InvalidParameter
from ...payload import ModelIdentity, Prediction
from .. import native
from ..advice import advise_json
from ..call import Call, FormedReply, list_values, only_value
from ..paths import Form
from ..tei import embed, similarity

ADVICE = advise_json('{"inputs": "your text"}', '{"inputs": ["your text", "another"]}')
IGNORED = "options"  # of the Hub's cache and queue
NEVER_CUT = "a question is never cut here, and one that is too long is refused: leave max_question_len out"
NUMBERS_ONLY = "encoding_format: InferenceClient reads numbers alone: leave it out, or send float"


class FeatureExtraction(embed.EmbedRequest, frozen=True, kw_only=True):
    """A request of InferenceClient's feature_extraction: TEI's, and how vectors are written."""

    encoding_format: Literal["float"] | None = None
    """Numbers, the only way in which the client reads them."""
    options: dict[str, Any] | None = None
    """Ignored: the Hub's cache and queue."""


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with `inputs`; RequestError says what is wrong with it."""
    if not isinstance(value, dict):
        return native.open_value(value, model.contract)
    if model.contract.is_vector:
        return _open_embeddings(value, model)
    value = {key: item for key, item in value.items() if key != IGNORED}
    task = model.contract.task
    value["parameters"] = _complete(value.get("parameters"), task)
    call = native.open_value(value, model.contract)
    make = partial(MAKERS.get(task, _as_native), is_list=isinstance(value["inputs"], list))
    return replace(call, reply=FormedReply(form=Form.TEI, make=make))


def _open_embeddings(value: Mapping[str, Any], model: ModelIdentity) -> Call:
    """Read texts for their vectors, or a sentence for its similarity to others."""
    inputs = value.get("inputs")
    if isinstance(inputs, dict) and "source_sentence" in inputs:
        return similarity.open_call(value, model)
    if value.get("encoding_format") not in (None, "float"):
        raise InvalidParameter(NUMBERS_ONLY, "/encoding_format")
    return embed.open_call(value, model, FeatureExtraction)


def _complete(parameters: object, task: Task) -> object:
    """Return the parameters with the Hub's own default: all labels."""
    given = {} if parameters is None else parameters
    if not isinstance(given, dict):
        return given
    if given.get("max_question_len") is not None and task is Task.QUESTION_ANSWERING:
        raise InvalidParameter(NEVER_CUT, "/parameters/max_question_len")
    return {"top_k": None, **given} if task is Task.TEXT_CLASSIFICATION else given


def _as_native(predictions: Sequence[Prediction], *, is_list: bool) -> object:
    return list_values(predictions) if is_list else only_value(predictions)


def _list_labels(predictions: Sequence[Prediction], *, is_list: bool) -> object:
    """Return a list of labels for each text, of one text too."""
    return list_values(predictions)


def _pair_labels(predictions: Sequence[Prediction], *, is_list: bool) -> object:
    """Return the labels of zero-shot-classification with their scores."""
    found = [
        [{"label": label, "score": score} for label, score in zip(each["labels"], each["scores"], strict=True)]
        for each in list_values(predictions)
        if isinstance(each, dict)
    ]
    return found if is_list else found[0]


MAKERS: Mapping[Task, Callable[..., object]] = {
    Task.TEXT_CLASSIFICATION: _list_labels,
    Task.ZERO_SHOT_CLASSIFICATION: _pair_labels,
}
