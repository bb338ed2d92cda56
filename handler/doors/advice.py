"""What to send instead of something that cannot be read, in the words of an error message. Pure."""

from dataclasses import dataclass
from functools import cache

import msgspec

from ..contract import Contract

JSON, TEXT = "application/json", "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What follows the word "send"."""

    json: str
    several: str
    """A body with several inputs."""
    text: str = ""
    """How one text is sent alone, where that is read."""
    has_curl: bool = True
    """Whether curl is a client of this door."""

    @property
    def both(self) -> str:
        """JSON, or one text where that is read."""
        return f"{self.json}, or {self.text}" if self.text else self.json

    def pipe(self, command: str, media: str) -> str:
        """How curl sends a file through a command that mends it; nothing where there is no curl."""
        return f" ({command} FILE | curl -H 'content-type: {media}' --data-binary @-)" if self.has_curl else ""


def advise_json(example: str, several: str = "", text: str = "") -> Advice:
    """Make the advice of a door that is asked by REST."""
    line = f"JSON with its content type (curl -H 'content-type: {JSON}' -d '{example}')"
    return Advice(json=line, several=several or example, text=text)


@cache  # every request has it at hand, and hardly any needs it
def advise_native(contract: Contract, *, is_rest: bool) -> Advice:
    """Make the advice of the native door, which takes one text alone where a task needs no more."""
    needs_more = any(field.required for field in msgspec.structs.fields(contract.parameters))
    takes_text = contract.takes_string and not needs_more
    example, several = (example_body(contract, "inputs", is_list=is_list) for is_list in (False, True))
    if is_rest:
        text = f"one text with its own (curl -H 'content-type: {TEXT}' -T FILE)" if takes_text else ""
        return advise_json(example, several, text)
    text = "one text in the input `data`" if takes_text else ""
    return Advice(json=f"JSON in the input `body`, such as {example}", several=several, text=text, has_curl=False)


def example_body(contract: Contract, field: str, *, is_list: bool = False) -> str:
    """Return a body with one input in `field`, or a list, and the parameters that must be there."""
    inputs = f"[{contract.example}]" if is_list else contract.example
    needed = contract.parameters.example
    return f'{{"{field}": {inputs}}}' if not needed else f'{{"{field}": {inputs}, "parameters": {needed}}}'
