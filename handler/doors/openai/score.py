"""vLLM's scores: POST score, how well texts fit to one, or each to its own, by a cross-encoder or by vectors."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ...config import MAX_TEXTS_PER_REQUEST, ScoreFunction
from ...errors import InvalidInput
from ...inputs import TextInput, check_count
from ...payload import ModelIdentity, Prediction, Request
from ...vectors.settings import Kind
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, set_parameters
from ..paths import Form
from ..tei.similarity import compare
from .completion import lay_out

SIDES = (("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2"))
SEND_BOTH = 'send {"text_1": "your query", "text_2": ["your text", "another"]}, or queries and documents'
ADVICE = advise_json('{"text_1": "your query", "text_2": ["your text", "another"]}')
Texts = str | Annotated[list[str], Meta(min_length=1)]


class ScoreRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of vLLM's score, with two sides: text_1 and text_2, or one of the other pairs of keys.

    One text is compared with each of the other side; of two lists of one length the texts at the same place.
    """

    text_1: Texts | None = None
    text_2: Texts | None = None
    queries: Texts | None = None
    documents: Texts | None = None
    items: Texts | None = None
    data_1: Texts | None = None
    data_2: Texts | None = None
    model: str | None = None
    """Ignored where the address names the model."""
    user: str | None = None
    """Ignored."""
    use_activation: bool | None = None
    """false: a cross-encoder's own numbers, and not scores of 0 to 1."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of one side, as inputs of their own."""

    name: str
    inputs: list[TextInput]


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with two sides; RequestError says what is wrong with it."""
    body = convert(value, ScoreRequest, {"": SEND_BOTH})
    first, second = _read_sides(body)
    make: Callable[[Sequence[Prediction]], list[float]] = _read_ranks
    if model.contract.is_vector:
        inputs, parameters = (*first.inputs, *second.inputs), set_parameters(model.contract, vectors=Kind.DENSE)
        check_count(len(inputs), f"/{second.name}")
        make = partial(compare, count=len(first.inputs))
    else:
        check_count(len(second.inputs), f"/{second.name}", MAX_TEXTS_PER_REQUEST)
        function = ScoreFunction.NONE if body.use_activation is False else None
        inputs, parameters = _pair(first, second), set_parameters(model.contract, function_to_apply=function)
    request = Request(inputs=inputs, parameters=parameters, param=f"/{second.name}")
    reply = FormedReply(form=Form.OPENAI, make=lambda found: _lay_out(make(found), found, model))
    return Call(item=request, reply=reply)


def _read_sides(body: ScoreRequest) -> tuple[Side, Side]:
    """Return the two sides; one text on the first may stand before many on the second, and no other way round."""
    names = dict.fromkeys(each for pair in SIDES for each in pair)
    given = tuple(name for name in names if getattr(body, name) is not None)
    if given not in SIDES:
        raise InvalidInput(f"a score has two sides, and this request has {' and '.join(given) or 'none'}: {SEND_BOTH}")
    first, second = (_read_side(name, getattr(body, name)) for name in given)
    if len(first.inputs) not in (1, len(second.inputs)):
        raise InvalidInput(
            f"{first.name} has {len(first.inputs)} texts and {second.name} {len(second.inputs)}: send one text for "
            "all, or as many as there are on the other side",
            f"/{first.name}",
        )
    return first, second


def _read_side(name: str, texts: str | list[str]) -> Side:
    if isinstance(texts, str):
        return Side(name=name, inputs=[TextInput(text=texts, param=f"/{name}")])
    return Side(name=name, inputs=[TextInput(text=text, param=f"/{name}/{place}") for place, text in enumerate(texts)])


def _pair(first: Side, second: Side) -> tuple[TextInput, ...]:
    """Return what a cross-encoder reads: one text with all of the other side, or each with its own."""
    if len(first.inputs) == 1:
        texts = tuple(each.text for each in second.inputs)
        return (TextInput(text=first.inputs[0].text, texts=texts, param=f"/{second.name}"),)
    pairs = zip(first.inputs, second.inputs, strict=True)
    return tuple(TextInput(text=one.text, texts=(other.text,), param=other.param) for one, other in pairs)


def _read_ranks(predictions: Sequence[Prediction]) -> list[float]:
    """Return ranked texts' scores in the order of the texts."""
    ranked: list[Any] = [prediction.value for prediction in predictions]
    return [each["score"] for ranks in ranked for each in sorted(ranks, key=lambda rank: rank["index"])]


def _lay_out(scores: Sequence[float], predictions: Sequence[Prediction], model: ModelIdentity) -> dict[str, object]:
    return lay_out("score", model.name, [{"object": "score", "score": score} for score in scores], predictions)
