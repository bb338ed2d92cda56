"""Parameters of embedding models that make other vectors than one dense one. Pure."""

from random import Random
from typing import Any

from handler.vectors.settings import Kind

CHOICES: dict[Kind, dict[str, tuple[Any, ...]]] = {
    Kind.DENSE: {"dimensions": (1, 64, None), "normalize": (True, None)},
    Kind.SPARSE: {
        "max_active_dims": (1, 7, 4096, None),
        "min_weight": (0, 0.05, 1e30, None),
        "sparse_keys": ("ids", "words"),
    },
    Kind.MULTI_VECTOR: {},
}
OF_ALL: dict[str, tuple[Any, ...]] = {"truncation": (True, None), "prompt_name": (None,)}


def make_vector_parameters(rng: Random, made: tuple[Kind, ...]) -> dict[str, Any]:
    """One kind, several, or none named; and some of what those may be told."""
    asked = rng.sample(made, rng.randint(1, len(made)))
    choices = OF_ALL | {name: values for kind in asked for name, values in CHOICES[kind].items()}
    chosen = {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.4}
    if len(asked) > 1 or rng.random() < 0.4:
        return chosen | {"vectors": asked}
    return chosen if asked == [made[0]] and rng.random() < 0.5 else chosen | {"vectors": asked[0]}
