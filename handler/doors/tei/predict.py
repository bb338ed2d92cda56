"""POST predict: all labels of a text or pair, best first; or a list of such lists for a batch."""

from typing import Annotated

from msgspec import Meta

from ...config import MAX_INPUTS_PER_REQUEST, ScoreFunction
from ...errors import InvalidInput
from ...inputs import TextInput, check_count
from ...payload import ModelIdentity, Request
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, list_values, only_value, set_parameters
from ..paths import Form
from .truncating import HINTS, WORDS, Truncating

BATCH = '{"inputs": [["your text"], ["a text", "and its pair"]]}'
ADVICE = advise_json('{"inputs": "your text"}', BATCH)
SEND_INPUTS = (
    f'send {{"inputs": "your text"}}, {{"inputs": ["a text", "and its pair"]}}, or a batch of such lists, {BATCH}'
)
Pair = Annotated[list[str], Meta(min_length=1, max_length=2)]


class PredictRequest(Truncating, frozen=True, kw_only=True):
    """A request of TEI's predict."""

    inputs: Annotated[
        str | Annotated[list[str | Pair], Meta(min_length=1)],
        Meta(description=f"A text, a pair as a list of two, or a list of at most {MAX_INPUTS_PER_REQUEST} such lists."),
    ]
    raw_scores: bool = False
    """The model's own numbers, and not scores of 0 to 1."""


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with `inputs`; RequestError says what is wrong with it."""
    body = convert(value, PredictRequest, {"": SEND_INPUTS, **HINTS})
    inputs = _read_inputs(body.inputs)
    is_batch = isinstance(body.inputs, list) and isinstance(body.inputs[0], list)
    function = ScoreFunction.NONE if body.raw_scores else None
    parameters = set_parameters(model.contract, top_k=None, function_to_apply=function, **body.cut())
    reply = FormedReply(form=Form.TEI, make=list_values if is_batch else only_value, words=WORDS)
    return Call(item=Request(inputs=inputs, parameters=parameters), reply=reply)


def _read_inputs(value: str | list[str | list[str]]) -> tuple[TextInput, ...]:
    """Return the inputs of a batch, or the only one: a list of strings is one text, or one pair."""
    if isinstance(value, str):
        return (TextInput(text=value, param="/inputs"),)
    check_count(len(value), "/inputs")
    pairs = [each for each in value if isinstance(each, list)]
    if len(pairs) == len(value):
        return tuple(_to_input(pair, f"/inputs/{place}") for place, pair in enumerate(pairs))
    texts = [each for each in value if isinstance(each, str)]
    if pairs or len(texts) > 2:
        raise InvalidInput(f"a list of texts is one text, or a text and its pair: {SEND_INPUTS}", "/inputs")
    return (_to_input(texts, "/inputs"),)


def _to_input(pair: list[str], pointer: str) -> TextInput:
    text, *others = pair
    return TextInput(text=text, text_pair=others[0] if others else None, param=pointer)
