"""Good requests in their native form: inputs of a task, and parameters that fit any of them. Pure."""

from random import Random
from typing import Any

from handler.config import Task
from tests.fuzz.models import Target
from tests.support.texts import WORDS

from .vectors import make_vector_parameters

NUM_INPUTS = (1, 1, 1, 2, 3, 8)
NUM_WORDS = (1, 2, 5, 12, 30)
LABELS = ("sports", "politics", "日本語", "a\r\nb", "😀")
SURE = 0.99  # below, a model of random weights finds more entities than tokens where they may overlap: 422
# Each is left out as often as not.
CHOICES: dict[Task, dict[str, tuple[Any, ...]]] = {
    Task.EMBEDDINGS: {"dimensions": (1, 16, None), "truncation": (True, False, None), "prompt_name": (None,)},
    Task.TEXT_CLASSIFICATION: {
        "top_k": (1, 2, 100, None),
        "function_to_apply": ("softmax", "sigmoid", "none", None),
        "threshold": (0, 0.5, 1e300, -1, None, {"negative": 0.1}, {}),
    },
    Task.QUESTION_ANSWERING: {
        "top_k": (1, 3, 100, None),
        "max_answer_len": (1, 15, 512, None),
        "handle_impossible_answer": (True, False, None),
        "align_to_words": (True, False, None),
        "max_seq_len": (512, None),
        "doc_stride": (0, 10, None),
    },
    Task.TEXT_RANKING: {"top_k": (1, 2, None), "function_to_apply": ("sigmoid", "none", None)},
    Task.ZERO_SHOT_CLASSIFICATION: {
        "hypothesis_template": ("{}", "This example is {}.", "é {} \r\n", None),
        "multi_label": (True, False, None),
    },
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: {
        "threshold": (SURE, 1),
        "flat_ner": (True, False, None),
        "multi_label": (True, False, None),
    },
}
EXPLANATIONS: dict[str, tuple[Any, ...]] = {
    "n_steps": (1, 3, 30, 300, None),
    "target": (None,),
    "truncation": (True, None),
}


def make_text(rng: Random) -> str:
    """Words of every script; short, so that a server answers many."""
    return " ".join(rng.choices(WORDS, k=rng.choice(NUM_WORDS)))


def make_inputs(rng: Random, task: Task) -> list[Any]:
    """One or several, all with the same keys, so that tensors can hold them too."""
    count = rng.choice(NUM_INPUTS)
    match task:
        case Task.TEXT_CLASSIFICATION if rng.random() < 0.5:
            return [{"text": make_text(rng), "text_pair": make_text(rng)} for _ in range(count)]
        case Task.QUESTION_ANSWERING:
            return [{"question": rng.choice(WORDS[:6]), "context": f"model {make_text(rng)}"} for _ in range(count)]
        case Task.TEXT_RANKING:
            width = rng.choice((1, 2, 5))
            return [{"query": make_text(rng), "texts": [make_text(rng) for _ in range(width)]} for _ in range(count)]
    return [{"text": make_text(rng)} if rng.random() < 0.2 else make_text(rng) for _ in range(count)]


def make_parameters(rng: Random, target: Target, *, explains: bool = False) -> dict[str, Any]:
    """What the task needs, and some of what it may be told."""
    task = target.task
    if target.has_other_vectors and not explains:
        return make_vector_parameters(rng, target)
    choices = EXPLANATIONS if explains else CHOICES[task]
    chosen = {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.5}
    if chosen.get("flat_ner") is False or (task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION and chosen.get("multi_label")):
        chosen.setdefault("threshold", SURE)
    if target.heads and rng.random() < 0.7:
        chosen["head"] = rng.choice(target.heads)
        chosen.pop("threshold", None)  # which may name labels of the first head
    if not target.has_claims:
        chosen.pop("hypothesis_template", None)
    if task in (Task.ZERO_SHOT_CLASSIFICATION, Task.ZERO_SHOT_TOKEN_CLASSIFICATION) and not explains:
        chosen["candidate_labels"] = rng.sample(LABELS, rng.randint(1, len(LABELS)))
    return chosen
