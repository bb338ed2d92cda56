"""Native inputs as the bodies of other protocols' addresses. Pure."""

from collections.abc import Callable
from random import Random
from typing import Any

from handler.config import Task
from handler.vectors.settings import Kind
from tests.fuzz.models import Target

from .bodies import native, openai, texts_or_ids
from .inputs import NUM_INPUTS, make_text

TASKS = {"embed": Kind.DENSE, "token_embed": Kind.MULTI_VECTOR}  # vLLM's names
BodyMaker = Callable[[Random, Target], dict[str, Any]]


def some(rng: Random, choices: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Each key is left out more often than not."""
    return {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.3}


def texts(rng: Random) -> list[str]:
    """A list of them."""
    return [make_text(rng) for _ in range(rng.choice(NUM_INPUTS))]


def one_or_texts(rng: Random) -> str | list[str]:
    """One text as often as a list."""
    return rng.choice((make_text, texts))(rng)


def embed(rng: Random, target: Target) -> dict[str, Any]:
    """TEI's, of texts or of token ids; the models normalise, and cannot be told not to."""
    choices = {"truncate": (True, None), "normalize": (True, None), "dimensions": (1, 16, None)}
    return {"inputs": texts_or_ids(rng, target), **some(rng, choices)}


def embed_others(rng: Random, target: Target) -> dict[str, Any]:
    """TEI's for sparse vectors and for those of tokens."""
    choices = {"truncate": (True, None), "prompt_name": (*target.prompts, None)}
    return {"inputs": texts_or_ids(rng, target), **some(rng, choices)}


def similarity(rng: Random, _: Target) -> dict[str, Any]:
    """TEI's."""
    parameters = some(rng, {"truncate": (True, None), "prompt_name": (None,)})
    inputs = {"source_sentence": make_text(rng), "sentences": texts(rng)}
    return {"inputs": inputs, **({"parameters": parameters} if rng.random() < 0.5 else {})}


def predict(rng: Random, _: Target) -> dict[str, Any]:
    """TEI's: a text, a pair, or a batch."""
    one = make_text(rng)
    pair = [make_text(rng), make_text(rng)]
    batch = [[text] if rng.random() < 0.5 else [text, make_text(rng)] for text in texts(rng)]
    return {"inputs": rng.choice((one, pair, batch)), **some(rng, {"raw_scores": (True, False), "truncate": (True,)})}


def rerank(rng: Random, _: Target) -> dict[str, Any]:
    """TEI's."""
    choices = {"raw_scores": (True, None), "return_text": (True, False), "truncate": (True,), "top_n": (1, 100)}
    return {"query": make_text(rng), "texts": texts(rng), **some(rng, choices)}


def documents(rng: Random, _: Target) -> dict[str, Any]:
    """Cohere's, Jina's and vLLM's rerank."""
    found = [text if rng.random() < 0.7 else {"text": text, "id": "a\r\nb"} for text in texts(rng)]
    choices = {"top_n": (1, 100, None), "return_documents": (True, False), "model": ("a\r\nb", None)}
    return {"query": make_text(rng), "documents": found, **some(rng, {**choices, "rank_fields": (["text"], None)})}


def typed(rng: Random, _: Target) -> dict[str, Any]:
    """Cohere's embed."""
    choices: dict[str, tuple[Any, ...]] = {
        "input_type": ("search_query", "clustering", None),
        "embedding_types": (["float"], ["base64", "float"], None),
        "output_dimension": (1, 16, None),
        "truncate": ("END", None),
        "model": ("a\r\nb", None),
    }
    return {"texts": texts(rng), **some(rng, choices)}


def tokenize(rng: Random, _: Target) -> dict[str, Any]:
    """TEI's."""
    return {"inputs": one_or_texts(rng), **some(rng, {"add_special_tokens": (True, False), "prompt_name": (None,)})}


def decode(rng: Random, _: Target) -> dict[str, Any]:
    """TEI's; every tokenizer has a hundred tokens."""
    ids = [rng.randrange(100) for _ in range(rng.choice((1, 5, 200)))]
    return {"ids": rng.choice((ids, [ids, ids])), **some(rng, {"skip_special_tokens": (True, False)})}


def classify(rng: Random, target: Target) -> dict[str, Any]:
    """vLLM's, whose `model` names a head where there are several."""
    choices = {"model": target.heads or ("a\r\nb", None), "user": ("x", None), "use_activation": (True, False, None)}
    return {"input": one_or_texts(rng), **some(rng, choices)}


def score(rng: Random, _: Target) -> dict[str, Any]:
    """vLLM's: one text with all of the other side, or each with its own."""
    first, second = rng.choice((("text_1", "text_2"), ("queries", "documents"), ("data_1", "data_2")))
    others = texts(rng)
    one: Any = make_text(rng) if rng.random() < 0.5 else [make_text(rng) for _ in others]
    return {first: one, second: others, **some(rng, {"use_activation": (True, False, None)})}


def pooling(rng: Random, target: Target) -> dict[str, Any]:
    """vLLM's."""
    tasks = [name for name, kind in TASKS.items() if kind in target.vectors]
    choices = {"task": (*tasks, None), "encoding_format": ("float", "base64", None), "model": ("a\r\nb", None)}
    return {"input": texts_or_ids(rng, target), **some(rng, choices)}


def nothing(_: Random, __: Target) -> dict[str, Any]:
    """The body of a request that says nothing by it."""
    return {}


def hub(rng: Random, target: Target) -> dict[str, Any]:
    """InferenceClient's."""
    return embed(rng, target) if target.task is Task.EMBEDDINGS else native(rng, target)


MAKERS: dict[str, BodyMaker] = {
    "hf": hub,
    "v1/embeddings": openai,
    "embed": embed,
    "embed_sparse": embed_others,
    "embed_all": embed_others,
    "similarity": similarity,
    "predict": predict,
    "rerank": rerank,
    "tokenize": tokenize,
    "decode": decode,
    "info": nothing,
    "v1/rerank": documents,
    "v2/rerank": documents,
    "v1/embed": typed,
    "v2/embed": typed,
    "classify": classify,
    "score": score,
    "v1/score": score,
    "pooling": pooling,
}
