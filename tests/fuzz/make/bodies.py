"""Native inputs and parameters as the body of each door. Pure."""

from collections.abc import Callable
from random import Random
from typing import Any

from handler.config import Task
from tests.fuzz.models import SAMPLE, Target
from tests.support.clients.infer_rest import to_body
from tests.support.clients.rest import with_parameters

from .inputs import NUM_INPUTS, make_inputs, make_parameters, make_text
from .vectors import make_vector_parameters

NUM_TOKENS = 30_522  # of the sample's vocabulary
FIRST, LAST = 101, 102  # of every text's tokens: the sample's [CLS] and [SEP]


def native(rng: Random, target: Target, *, explains: bool = False) -> dict[str, Any]:
    """One input, or a list."""
    inputs = make_inputs(rng, target.task)
    several = len(inputs) > 1 or rng.random() < 0.5
    parameters = _parameters(rng, target, explains=explains)
    return with_parameters({"inputs": inputs if several else inputs[0]}, parameters)


def explanation(rng: Random, target: Target) -> dict[str, Any]:
    """Likewise."""
    return native(rng, target, explains=True)


def _parameters(rng: Random, target: Target, *, explains: bool) -> dict[str, Any]:
    """What tensors may be told too, and how vectors are written."""
    found = make_parameters(rng, target, explains=explains)
    is_encoded = target.task is Task.EMBEDDINGS and not explains and rng.random() < 0.2
    return found | {"encoding_format": rng.choice(("base64", "float"))} if is_encoded else found


def instances(rng: Random, target: Target, *, explains: bool = False) -> dict[str, Any]:
    """KServe v1."""
    parameters = _parameters(rng, target, explains=explains)
    return with_parameters({"instances": make_inputs(rng, target.task)}, parameters)


def explained_instances(rng: Random, target: Target) -> dict[str, Any]:
    """Likewise."""
    return instances(rng, target, explains=True)


def tensors(rng: Random, target: Target) -> dict[str, Any]:
    """Open Inference."""
    body = with_parameters(to_body(make_inputs(rng, target.task)), make_parameters(rng, target))
    if rng.random() < 0.3:
        body["id"] = rng.choice(("", "7", "a\r\nx-evil: 1", "日本語", "\0"))
    if rng.random() < 0.2:
        body["outputs"] = [{"name": "embeddings" if target.task is Task.EMBEDDINGS else "predictions"}]
    if rng.random() < 0.2:
        body["parameters"] = {**body.get("parameters", {}), "binary_data_output": rng.random() < 0.5}
    return body


def openai(rng: Random, target: Target) -> dict[str, Any]:
    """OpenAI's embeddings, of texts or of token ids."""
    body: dict[str, Any] = {"input": texts_or_ids(rng, target)}
    choices: dict[str, tuple[Any, ...]] = {
        "model": ("bert", "a\r\nb", None),
        "encoding_format": ("float", "base64", None),
        "user": ("a\r\nb", None),
    }
    if not target.has_other_vectors:
        choices |= {"dimensions": (1, 16, None), "parameters": ({}, {"truncation": True}, None)}
    else:
        choices |= {"parameters": (make_vector_parameters(rng, target), {})}
    return body | {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.3}


def _texts(rng: Random) -> Any:
    texts = [make_text(rng) for _ in range(rng.choice(NUM_INPUTS))]
    return texts[0] if len(texts) == 1 else texts


def _ids(rng: Random) -> Any:
    return [FIRST, *(rng.randrange(NUM_TOKENS) for _ in range(rng.choice((0, 1, 20, 254)))), LAST]


def _lists_of_ids(rng: Random) -> Any:
    return [_ids(rng) for _ in range(rng.choice((1, 3)))]


def texts_or_ids(rng: Random, target: Target) -> Any:
    """One text, several, or the token ids of the sample's own tokenizer, which others do not have."""
    return rng.choice(INPUTS if target == SAMPLE else (_texts,))(rng)


INPUTS: tuple[Callable[[Random], Any], ...] = (_texts, _texts, _ids, _lists_of_ids)
