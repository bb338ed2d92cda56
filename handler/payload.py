"""The values that every door reads into and writes from: texts in, predictions out. Pure: no torch, no TorchServe.

request -> Request (TextInputs and Parameters) | DeepCheck | Describe | Rejected;
list[Prediction] | Rejected -> Response.
"""

import math
from dataclasses import dataclass

import msgspec

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
class Describe:
    """TorchServe's describe, asked through the management API: what runs here."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request that gets its own error while its neighbours get their answers."""

    error: RequestError

    def __post_init__(self) -> None:
        """Its frames would hold the request's body, in a cycle, for as long as nobody collects cycles."""
        self.error.__traceback__ = self.error.__context__ = None


Item = Request | DeepCheck | Describe | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """The model behind the doors."""

    name: str
    version: str
    contract: Contract


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
