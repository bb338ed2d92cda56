"""One input as a request has it, a string or an object with keys, and as the engine reads it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from .config import MAX_INPUTS_PER_REQUEST, MAX_TEXTS_PER_REQUEST
from .errors import TooManyInputs

NonEmpty = Annotated[str, Meta(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextInput:
    """One text, or a pair of texts that the model reads together, or one that it reads with each of several."""

    text: str
    """A question, or a query, for the tasks that have one."""
    text_pair: str | None = None
    """The context of a question."""
    texts: tuple[str, ...] = ()
    """The texts that a query is compared with."""
    token_ids: tuple[int, ...] | None = None
    """In the text's place: the model's own tokens, special ones included, as the OpenAI door takes them."""
    param: str
    """JSON pointer of this input in the request's body."""

    @property
    def num_characters(self) -> int:
        """Characters of all its texts together."""
        return len(self.text) + len(self.text_pair or "") + sum(map(len, self.texts))


class InputObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input with keys."""

    wanted: ClassVar[str]
    """Its keys, for an error message."""
    example: ClassVar[str] = '{"text": "your text"}'
    """One of them, as JSON."""

    def to_text_input(self, pointer: str) -> TextInput:
        """The input, which stands at `pointer`."""
        raise NotImplementedError


class TextObject(InputObject, frozen=True):
    """One text."""

    wanted: ClassVar[str] = "the string text"
    text: str

    def to_text_input(self, pointer: str) -> TextInput:
        return TextInput(text=self.text, param=pointer)


class PairObject(InputObject, frozen=True):
    """One text, or two that the model reads together."""

    wanted: ClassVar[str] = "the string text and, for a pair, the string text_pair"
    text: str
    text_pair: str | None = None

    def to_text_input(self, pointer: str) -> TextInput:
        return TextInput(text=self.text, text_pair=self.text_pair, param=pointer)


class QuestionObject(InputObject, frozen=True):
    """A question, and the text to find its answer in; neither is empty."""

    wanted: ClassVar[str] = "the strings question and context, neither of them empty"
    example: ClassVar[str] = '{"question": "your question", "context": "your text"}'
    question: NonEmpty
    context: NonEmpty

    def to_text_input(self, pointer: str) -> TextInput:
        return TextInput(text=self.question, text_pair=self.context, param=pointer)


class RankingObject(InputObject, frozen=True):
    """A query, and the texts to rank by it."""

    wanted: ClassVar[str] = "the string query and texts, a list of at least one string"
    example: ClassVar[str] = '{"query": "your query", "texts": ["your text"]}'
    query: str
    texts: Annotated[list[str], Meta(min_length=1)]

    def to_text_input(self, pointer: str) -> TextInput:
        check_count(len(self.texts), f"{pointer}/texts", MAX_TEXTS_PER_REQUEST)
        return TextInput(text=self.query, texts=tuple(self.texts), param=pointer)


def check_count(count: int, pointer: str, most: int = MAX_INPUTS_PER_REQUEST) -> None:
    """Raise TooManyInputs for a list that is longer than a request may carry."""
    if count > most:
        name = pointer[1:].replace("/", ".")
        raise TooManyInputs(
            f"{name} has {count} entries, and a request may have at most {most}: send several requests", pointer
        )


def to_text_input(value: str | InputObject, pointer: str) -> TextInput:
    """A checked input, which stands at `pointer`."""
    if isinstance(value, InputObject):
        return value.to_text_input(pointer)
    return TextInput(text=value, param=pointer)


def to_text_inputs(values: Iterable[str | InputObject], pointer: str) -> tuple[TextInput, ...]:
    """A list of checked inputs, which stands at `pointer`."""
    return tuple(to_text_input(value, f"{pointer}/{index}") for index, value in enumerate(values))
