"""What a request can be refused for, in native terms: one table, which test_errors.py replays through every door.

A case that a door has no words for names that door and the reason in `left_out`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handler.config import Task

from .mixed_inputs import MASK

# Whatever could break a status line, a header, a log or a terminal.
NASTY = "a\r\nb\0\x1b[31m é😀\u2028"
LONG_TEXT = "the " * 600  # 600 tokens and 2 special ones, of 512
TENSORS = ("v2", "v2 by tritonclient", "v2 by gRPC")
OPENAI = ("OpenAI", "OpenAI in base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Doors through which a case cannot be asked."""

    doors: tuple[str, ...]
    why: str


ONLY_STRINGS = LeftOut(doors=("v2 by tritonclient", "v2 by gRPC"), why="their tensors carry bytes and nothing else")
TOKEN_IDS = LeftOut(doors=OPENAI, why="a number is a token id there")
NO_KEYS = LeftOut(doors=OPENAI, why="an input has no keys there")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCase:
    """A request, and the error that it gets."""

    name: str
    task: Task
    inputs: list[Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "InvalidInput"
    status: int = 422
    param: str | None
    """In the native body."""
    says: str
    """A part of the message."""
    tensor: str | None = None
    """The place among v2's tensors, where that is not the one of the same key and row."""
    tensor_says: str | None = None
    """A part of v2's message, where that speaks of tensors."""
    left_out: tuple[LeftOut, ...] = ()

    def is_asked_of(self, door: str) -> bool:
        """Whether the door can be asked this."""
        return not any(door in each.doors for each in self.left_out)


def wrong_parameter(task: Task, inputs: list[Any], name: str, value: Any, says: str, **changes: Any) -> ErrorCase:
    """A case of one parameter, which is where the error is."""
    others = changes.pop("others", {})
    return ErrorCase(
        name=f"{task} {name} {value!r}"[:60],
        task=task,
        inputs=inputs,
        parameters={name: value, **others},
        says=says,
        **{"kind": "InvalidParameter", "param": f"/parameters/{name}", **changes},
    )


TEXT = ["one", "two"]
QUESTION = [{"question": "Who wrote?", "context": "Ada wrote."}]
RANKING = [{"query": "a", "texts": ["b", "c"]}]

WRONG_INPUTS = [
    ErrorCase(
        name="no input",
        task=Task.EMBEDDINGS,
        inputs=[],
        param="/inputs",
        tensor="/inputs/0/shape",
        says="length >= 1",
        tensor_says="at least one",
    ),
    ErrorCase(
        name="number",
        task=Task.EMBEDDINGS,
        inputs=["good", 5],
        param="/inputs/1",
        says="string",
        left_out=(ONLY_STRINGS, TOKEN_IDS),
    ),
    ErrorCase(
        name="null",
        task=Task.EMBEDDINGS,
        inputs=["good", None],
        param="/inputs/1",
        says="string",
        left_out=(ONLY_STRINGS,),
    ),
    ErrorCase(
        name="pair as a list",
        task=Task.TEXT_CLASSIFICATION,
        inputs=[["a", "b"]],
        param="/inputs/0",
        tensor="/inputs/0/shape",
        says="string",
    ),
    ErrorCase(
        name="wrong key",
        task=Task.EMBEDDINGS,
        inputs=[{"txt": "a"}],
        param="/inputs/0/txt",
        tensor="/inputs/0/name",
        says="'txt'",
        left_out=(NO_KEYS,),
    ),
    ErrorCase(
        name="key that could break a line",
        task=Task.TEXT_CLASSIFICATION,
        inputs=[{NASTY: "a"}],
        param=f"/inputs/0/{NASTY}",
        tensor="/inputs/0/name",
        says=repr(NASTY),
    ),
    ErrorCase(
        name="missing key",
        task=Task.QUESTION_ANSWERING,
        inputs=[{"question": "Who?"}],
        param="/inputs/0/context",
        tensor="/inputs",
        says="context",
    ),
    ErrorCase(
        name="string for a question",
        task=Task.QUESTION_ANSWERING,
        inputs=["Who?"],
        param="/inputs/0",
        tensor="/inputs/0/name",
        says="question and context",
    ),
    ErrorCase(
        name="number for a pair's second text",
        task=Task.TEXT_CLASSIFICATION,
        inputs=[{"text": "a", "text_pair": 5}],
        param="/inputs/0/text_pair",
        says="string",
        left_out=(ONLY_STRINGS,),
    ),
    ErrorCase(
        name="number among the texts of a query",
        task=Task.TEXT_RANKING,
        inputs=[*RANKING, {"query": "a", "texts": ["b", 5]}],
        param="/inputs/1/texts/1",
        says="string",
        left_out=(ONLY_STRINGS,),
    ),
    ErrorCase(
        name="query without texts",
        task=Task.TEXT_RANKING,
        inputs=[{"query": "a", "texts": []}],
        param="/inputs/0/texts",
        tensor="/inputs/1/shape",
        says="at least one",
        tensor_says="[n, k]",
    ),
    ErrorCase(
        name="empty question",
        task=Task.QUESTION_ANSWERING,
        inputs=[*QUESTION, {"question": "", "context": "Ada"}],
        param="/inputs/1/question",
        says="neither of them empty",
    ),
    ErrorCase(
        name="no mask", task=Task.FILL_MASK, inputs=[MASK, "nothing"], param="/inputs/1", says=f"put {MASK} where"
    ),
    ErrorCase(name="too many masks", task=Task.FILL_MASK, inputs=[MASK, MASK * 40], param="/inputs/1", says="40 masks"),
]
TOO_LARGE = [
    ErrorCase(
        name="257 inputs",
        task=Task.EMBEDDINGS,
        inputs=["a"] * 257,
        status=413,
        kind="TooManyInputs",
        param="/inputs",
        tensor="/inputs/0/data",
        says="at most 256",
    ),
    ErrorCase(
        name="257 texts of a query",
        task=Task.TEXT_RANKING,
        inputs=[{"query": "a", "texts": ["b"] * 257}],
        status=413,
        kind="TooManyInputs",
        param="/inputs/0/texts",
        tensor="/inputs/1/data",
        says="at most 256",
    ),
    ErrorCase(
        name="10 texts with 26 labels",
        task=Task.ZERO_SHOT_CLASSIFICATION,
        inputs=["a"] * 10,
        parameters={"candidate_labels": ["b"] * 26},
        status=413,
        kind="TooManyInputs",
        param="/inputs",
        says="256 are the most",
    ),
    ErrorCase(
        name="answer over max_response_size",
        task=Task.FILL_MASK,
        inputs=[f"{MASK} {LONG_TEXT}"] * 60,
        parameters={"top_k": 100},
        status=413,
        kind="ResponseTooLarge",
        param=None,
        says="send fewer inputs",
    ),
    ErrorCase(
        name="long text, which is not to be cut",
        task=Task.EMBEDDINGS,
        inputs=["good", LONG_TEXT],
        parameters={"truncation": False},
        kind="InputTooLong",
        param="/inputs/1",
        says="602 tokens",
    ),
    ErrorCase(
        name="long question, which is never cut",
        task=Task.QUESTION_ANSWERING,
        inputs=[*QUESTION, {"question": LONG_TEXT, "context": "Ada"}],
        kind="InputTooLong",
        param="/inputs/1",
        says="question",
    ),
]
