"""What the parameters of all tasks share, and those of explanations. A task's own stand in its file. Pure."""

from enum import EnumType, StrEnum
from functools import cache
from typing import Annotated, ClassVar, get_args

import msgspec
from msgspec import Meta

from .config import HandlerConfig
from .errors import InvalidParameter
from .wire import list_names, quote

LARGEST = 2**31 - 1  # of a number: more has no use, and no place in an error message
Count = Annotated[int, Meta(ge=1, le=LARGEST)]
Stride = Annotated[int, Meta(ge=0, le=LARGEST)]
MAX_NAMES = 1000
DEFAULT_STRIDE_TOKENS = 128  # of neighbouring windows; transformers' question-answering pipeline, doc_stride


class EncodingFormat(StrEnum):
    """The ways in which a vector is written: OpenAI's words."""

    FLOAT = "float"
    BASE64 = "base64"


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the requests of one task may set."""

    example: ClassVar[str] = ""
    """Those that must be there, as JSON; "" where none must."""

    @property
    def head(self) -> str | None:
        """Which of an archive's heads answers; None: the first, or the only one."""
        return None

    @property
    def reads_tokens(self) -> bool:
        """Whether something is asked for that a model says of single tokens beside a text's vector."""
        return False

    @property
    def gives_tokens(self) -> bool:
        """Whether a result has a vector for each token."""
        return False


class CutParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of a task that reads as much of a text as the model takes."""

    truncation: bool = True
    """Cut texts that are longer than the model takes. false: such a text is an InputTooLong error."""


class ExplanationParameters(CutParameters, frozen=True, kw_only=True):
    """/explanations, of text-classification and question-answering."""

    head: str | None = None
    """As for predictions: of an archive with several heads, the one that answers. Absent: the first."""

    target: str | None = None
    """text-classification: the label to explain. Absent: the best one."""
    n_steps: Annotated[int, Meta(ge=1, le=300)] = 20
    """Steps of the path integral; captum's name. More steps, smaller convergence_delta."""


def choose_prompt(name: str | None, config: HandlerConfig) -> str:
    """Return what goes before each text; InvalidParameter where the checkpoint has no prompt of that name."""
    name = config.default_prompt if name is None else name
    if name is None:
        return ""
    if name not in config.prompts:
        known = f"this model has {list_names(config.prompts)}" if config.prompts else "this model has none"
        raise InvalidParameter(f"unknown prompt {quote(name)}; {known}", "/parameters/prompt_name")
    return config.prompts[name]


def choose_head(name: str | None, config: HandlerConfig, pointer: str = "/parameters/head") -> str | None:
    """Return the head that is meant, None for the first; InvalidParameter, at `pointer`, where there is no such."""
    if name is None or name in config.heads:
        return name
    known = f"this model has {list_names(config.heads)}" if config.heads else "this model has only one, without a name"
    raise InvalidParameter(f"unknown head {quote(name)}; {known}", pointer)


@cache  # every request has it at hand, and hardly any needs it
def describe_parameters(kind: type[Parameters], subject: str) -> str:
    """What `subject` (a task, or an explanation) takes, for an error message."""
    names = ", ".join(_describe_field(field) for field in msgspec.structs.fields(kind))
    return f"{subject} takes the parameters {names}"


def _describe_field(field: msgspec.structs.FieldInfo) -> str:
    """Its name, and what it may be where that is one of a few words."""
    choices: list[str] = []
    for kind in (field.type, *get_args(field.type)):
        choices += list(kind) if isinstance(kind, EnumType) else []
    return f"{field.name} ({', '.join(choices)})" if choices else field.name
