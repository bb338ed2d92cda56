"""Makes requests for a pipeline, and reads its answers."""

from typing import Any

from handler.inputs import TextInput
from handler.parameters import Parameters
from handler.payload import Answer, Request

from .plain_transformers import TextOrPair


def ask(text: TextOrPair, parameters: Parameters) -> Request:
    first, pair = (text, None) if isinstance(text, str) else text
    source = TextInput(text=first, text_pair=pair, param="/inputs")
    return Request(inputs=(source,), parameters=parameters)


def value_of(answer: Answer) -> Any:
    assert isinstance(answer, list), answer
    return answer[0].value
