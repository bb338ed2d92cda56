"""What transformers (or sentence-transformers) answers to a case: one function per task, one table."""

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer, pipeline

from handler.config import Task

from .cases import Case

Expect = Callable[[Path, Case], Any]


@cache
def _pipeline(task: str, folder: Path) -> Any:
    return pipeline(task, model=str(folder), device="cpu")  # type: ignore[call-overload]


def _embed(folder: Path, case: Case) -> Any:
    """The mean of the token vectors, one text at a time."""
    tokenizer, model = _encoder(folder)
    with torch.inference_mode():
        encoded = tokenizer(case[0], truncation=True, return_tensors="pt")
        return model(**encoded).last_hidden_state[0].mean(0).tolist()


@cache
def _encoder(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def _classify(folder: Path, case: Case) -> Any:
    return _pipeline("text-classification", folder)([case[0]], truncation=True, **case[1])[0]


def _find_entities(folder: Path, case: Case) -> Any:
    """Without a stride transformers cuts a long text; with one it reads all of it, but refuses the strategy `none`."""
    parameters = case[1] if case[1]["aggregation_strategy"] == "none" else {"stride": 128} | case[1]
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of tokenizers that do not know words
        return _as_plain(_pipeline("token-classification", folder)([case[0]], **parameters)[0])


def _fill(folder: Path, case: Case) -> Any:
    return _pipeline("fill-mask", folder)(case[0], tokenizer_kwargs={"truncation": True}, **case[1])


def _judge(folder: Path, case: Case) -> Any:
    return _pipeline("zero-shot-classification", folder)(case[0], **case[1])


def _rank(folder: Path, case: Case) -> Any:
    (source, parameters) = case
    activation = torch.nn.Identity() if parameters.get("function_to_apply") == "none" else None
    top_k = parameters.get("top_k")
    ranked = _cross_encoder(folder).rank(source["query"], source["texts"], top_k=top_k, activation_fn=activation)
    return [{"index": item["corpus_id"], "score": float(item["score"])} for item in ranked]


@cache
def _cross_encoder(folder: Path) -> Any:
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 - seconds, for those who need it

    return CrossEncoder(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager"})


def _as_plain(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """numpy's scalars as Python's."""
    return [
        {key: value.item() if hasattr(value, "item") else value for key, value in entity.items()} for entity in entities
    ]


EXPECTED: dict[Task, Expect] = {
    Task.EMBEDDINGS: _embed,
    Task.TEXT_CLASSIFICATION: _classify,
    Task.TOKEN_CLASSIFICATION: _find_entities,
    Task.FILL_MASK: _fill,
    Task.TEXT_RANKING: _rank,
    Task.ZERO_SHOT_CLASSIFICATION: _judge,
}
