"""What a task's requests look like, and what kind of result they get: all that a door knows of a task. Pure."""

from dataclasses import dataclass
from typing import Any

from .config import Task
from .inputs import InputObject
from .parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # one of a kind: doors look it up for each request
class Contract:
    """The first half of a task's record (handler.tasks.kind.TaskKind): what parses a request needs no more."""

    task: Task
    input_object: type[InputObject]
    takes_string: bool = True
    """Whether a string is an input too, and stands for the object's first key."""
    parameters: type[Parameters]
    is_explained: bool = False
    """Whether /explanations answers."""
    is_vector: bool = False
    """Whether a result is a vector, which doors write in forms of their own; its parameters then have `dimensions`."""

    @property
    def inputs(self) -> Any:
        """The type of one input."""
        return str | self.input_object if self.takes_string else self.input_object

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of an input's object. All but text_pair are needed."""
        return self.input_object.__struct_fields__

    @property
    def example(self) -> str:
        """One input, as JSON."""
        return '"your text"' if self.takes_string else self.input_object.example

    def describe_input(self) -> str:
        """Say what the task takes, for an error message."""
        string = "a string or " if self.takes_string else ""
        return f"{self.task} takes {string}an object with {self.input_object.wanted}"
