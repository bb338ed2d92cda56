"""vLLM's classification: POST classify, the probability of each label in the order of the checkpoint's."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ...config import MAX_INPUTS_PER_REQUEST, ScoreFunction
from ...inputs import check_count, to_text_input, to_text_inputs
from ...parameters import choose_head
from ...payload import ModelIdentity, Prediction, Request
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, set_parameters
from ..paths import Form
from .completion import lay_out

SEND_INPUT = 'send {"input": "your text"} or {"input": ["your text", "another"]}'
ADVICE = advise_json('{"input": "your text"}', '{"input": ["your text", "another"]}')


class ClassifyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of vLLM's classify."""

    input: Annotated[
        str | Annotated[list[str], Meta(min_length=1)],
        Meta(description=f"A text, or at most {MAX_INPUTS_PER_REQUEST}."),
    ]
    model: str | None = None
    """Of an archive with several heads, the one that answers, or the archive's own name for the first. Else ignored
    where the address names the model."""
    user: str | None = None
    """Ignored."""
    use_activation: bool | None = None
    """false: the model's own numbers, and not probabilities."""


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with `input`; RequestError says what is wrong with it."""
    body = convert(value, ClassifyRequest, {"": SEND_INPUT})
    is_list = isinstance(body.input, list)
    check_count(len(body.input) if is_list else 1, "/input")
    inputs = to_text_inputs(body.input, "/input") if is_list else (to_text_input(body.input, "/input"),)
    function = ScoreFunction.NONE if body.use_activation is False else None
    head = _head_of(body.model, model)
    parameters = set_parameters(model.contract, top_k=None, function_to_apply=function, head=head)
    reply = FormedReply(form=Form.OPENAI, make=lambda found: _lay_out(found, model, head))
    return Call(item=Request(inputs=inputs, parameters=parameters, param="/input"), reply=reply)


def _head_of(name: str | None, model: ModelIdentity) -> str | None:
    """Return the head that `model` names, None for the first; InvalidParameter where the archive has no such."""
    if name == model.name or model.served is None or not model.running.heads:
        return None
    return choose_head(name, model.running.config, "/model")


def _lay_out(predictions: Sequence[Prediction], model: ModelIdentity, head: str | None) -> dict[str, object]:
    labels = model.running.labels if head is None else model.running.heads[head]
    return lay_out("classify", head or model.name, [_describe(each.value, labels) for each in predictions], predictions)


def _describe(ranked: Any, labels: Sequence[str]) -> dict[str, object]:
    """Put ranked labels back into the order of the checkpoint's, where two may have one name."""
    scores = defaultdict(list)
    for each in reversed(ranked):
        scores[each["label"]].append(each["score"])
    probabilities = [scores[label].pop() for label in labels]
    return {"label": ranked[0]["label"], "probs": probabilities, "num_classes": len(labels)}
