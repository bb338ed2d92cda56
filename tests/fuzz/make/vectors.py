"""Parameters of embedding models that make other vectors than one dense one. Pure."""

from random import Random
from typing import Any

from handler.vectors.settings import Kind
from tests.fuzz.models import Target

CHOICES: dict[Kind, dict[str, tuple[Any, ...]]] = {
    Kind.DENSE: {"dimensions": (1, 16, None), "normalize": (True, None)},
    Kind.SPARSE: {
        "max_active_dims": (1, 7, 4096, None),
        "min_weight": (0, 0.05, 1e30, None),
        "sparse_keys": ("ids", "words"),
    },
    Kind.MULTI_VECTOR: {},
}


def make_vector_parameters(rng: Random, target: Target) -> dict[str, Any]:
    """One kind, several, or none named; and some of what those may be told."""
    made = target.vectors
    asked = rng.sample(made, rng.randint(1, len(made)))
    of_all: dict[str, tuple[Any, ...]] = {"truncation": (True, None), "prompt_name": (*target.prompts, None)}
    choices = of_all | {name: values for kind in asked for name, values in CHOICES[kind].items()}
    chosen = {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.4}
    if len(asked) > 1 or rng.random() < 0.4:
        return chosen | {"vectors": asked}
    return chosen if asked == [made[0]] and rng.random() < 0.5 else chosen | {"vectors": asked[0]}
