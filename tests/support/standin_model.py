"""A model behind the doors that was never loaded, for tests of requests alone: what it says of itself is made up."""

from collections.abc import Sequence
from dataclasses import replace

from handler.config import HandlerConfig, Task
from handler.payload import ModelIdentity, Token
from handler.tasks import TASKS
from handler.vectors.settings import Vectors

LABELS = ("bad", "good", "so so")
PROMPTS = {"query": "query: ", "passage": "passage: "}


class StandInModel:
    """Words are its tokens, and a token's id is its length."""

    def __init__(self, task: Task) -> None:
        self.config = HandlerConfig(task=task, max_tokens=8, prompts=PROMPTS if task is Task.EMBEDDINGS else {})
        self.labels = LABELS if TASKS[task].is_labelled else ()
        self.heads: dict[str, Sequence[str]] = {}

    def describe(self) -> dict[str, object]:
        return {"engine": "none", "precision": "fp32", "max_tokens": 8, "token_budget": 4096}

    def tokenize(self, text: str, *, has_special: bool) -> list[Token]:
        words = [Token(id=len(word), text=word, special=False, start=0, stop=len(word)) for word in text.split()]
        return [Token(id=0, text="[CLS]", special=True), *words] if has_special else words

    def decode(self, ids: Sequence[int], *, skips_special: bool) -> str:
        return " ".join("x" * each for each in ids if each or not skips_special)


def identify(task: Task, vectors: Vectors | None = None) -> ModelIdentity:
    """The model `m` of this task, which makes these vectors, as the doors know it."""
    served = StandInModel(task)
    served.config = replace(served.config, vectors=vectors)
    return ModelIdentity(name="m", version="1.0", contract=TASKS[task], served=served)
