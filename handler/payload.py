"""The values that every door reads into and writes from: texts in, predictions out. Pure: no torch, no TorchServe.

request -> Request (TextInputs and Parameters) | DeepCheck | Answered | Rejected;
list[Prediction] | Rejected -> Response.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from .config import HandlerConfig
from .contract import Contract
from .errors import RequestError
from .inputs import TextInput
from .parameters import ExplanationParameters, Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request's checked inputs."""

    inputs: tuple[TextInput, ...]
    parameters: Parameters
    param: str = "/inputs"
    """JSON pointer of the inputs in the request's body."""
    deadline_s: float = math.inf
    """When its time is over, on the clock of time.monotonic: what has not begun by then is not computed."""
    is_raw: bool = False
    """Answer with the model's own numbers and nothing made of them: what the known answers are compared with."""

    @property
    def explains(self) -> bool:
        """Whether explanations are asked for, and not predictions."""
        return isinstance(self.parameters, ExplanationParameters)


@dataclass(frozen=True, slots=True)
class DeepCheck:
    """Run a known text and compare: GET /predictions/{model}/{version}/check."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question about the model itself, which its door has answered: no text is read by the model."""

    value: object
    """Any JSON value."""
    is_users: bool = True
    """False: it is no user's request, and is not counted as one."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request that gets its own error while its neighbours get their answers."""

    error: RequestError

    def __post_init__(self) -> None:
        """Its frames would hold the request's body, in a cycle, for as long as nobody collects cycles."""
        self.error.__traceback__ = self.error.__context__ = None


Item = Request | DeepCheck | Answered | Rejected


class Token(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A token, and where it stands in its text, in characters; a special one stands nowhere."""

    id: int
    text: str
    special: bool
    start: int | None = None
    stop: int | None = None


class Served(Protocol):
    """What is known of a model that runs here, without asking it."""

    config: HandlerConfig

    @property
    def labels(self) -> Sequence[str]:
        """The checkpoint's own labels, in the order of its logits."""

    @property
    def heads(self) -> Mapping[str, Sequence[str]]:
        """The labels of each head by its name, the default first; empty where there is only one head."""

    def describe(self) -> dict[str, object]:
        """Say what runs here."""

    def tokenize(self, text: str, *, has_special: bool) -> list[Token]:
        """Return a text's tokens, none of them cut."""

    def decode(self, ids: Sequence[int], *, skips_special: bool) -> str:
        """Return the text of token ids; InvalidInput for one that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """The model behind the doors."""

    name: str
    version: str
    contract: Contract
    served: Served | None = None
    """None where requests are read for no model that runs, as by tools and tests."""

    @property
    def running(self) -> Served:
        """The model itself, for the doors that ask about it."""
        assert self.served is not None
        return self.served


class Prediction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The result for one input."""

    value: object
    """What transformers' pipeline gives for it, as plain JSON values; a vector is an array."""
    num_tokens: int
    """Tokens that the model saw, special tokens included."""
    is_truncated: bool


Answer = list[Prediction] | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One request's answer. Header values are ASCII that we made: user text there could kill the worker."""

    status: int
    phrase: str
    body: bytes
    headers: dict[str, str]
