"""Late interaction: the vectors of a query's and a document's tokens, with transformers and torch alone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from handler.config import Task

from ..checkpoint import Checkpoint
from .reference import Reference, Texts
from .text_ranking import TEXT_RANKING

QUERY, DOCUMENT = "query", "document"


def late_reference(checkpoint: Checkpoint) -> Reference:
    """The record of such a checkpoint's task: texts behind its default prompt, then as the other; or both, to rank."""
    if checkpoint.task is Task.TEXT_RANKING:
        return replace(AS_DOCUMENTS, inputs=TEXT_RANKING.inputs, texts=_query_and_texts)
    default = checkpoint.default_prompt or DOCUMENT
    other = DOCUMENT if default == QUERY else QUERY
    return replace(
        AS_DOCUMENTS,
        texts=partial(_named, default),
        prompted={other: replace(AS_DOCUMENTS, texts=partial(_named, other))},
    )


def _named(name: str, _checkpoint: Checkpoint, item: str) -> list[Texts]:
    return [(name, item)]


def _query_and_texts(_checkpoint: Checkpoint, item: dict[str, Any]) -> list[Texts]:
    return [(QUERY, item["query"]), *((DOCUMENT, text) for text in item["texts"])]


def _encode(checkpoint: Checkpoint, tokenizer: Any, texts: Texts) -> list[dict[str, Any]]:
    """One text as the model reads it: the marker behind the first token, cut, and a query filled up."""
    import torch  # noqa: PLC0415 - it is there once there is a tokenizer

    name, text = texts
    late, is_query = _late(checkpoint), name == QUERY
    marker, most = late.document_marker, late.document_tokens
    if is_query:
        marker, most = late.query_marker, late.query_tokens
    markers = [] if marker is None else [marker]
    prompt = checkpoint.prompts.get(name, "")
    first, *rest = tokenizer(prompt + text, truncation=True, max_length=most - len(markers))["input_ids"]
    ids = [first, *markers, *rest]
    fillers = [late.filler] * (most - len(ids)) if is_query and late.filler is not None else []
    encoded = {
        "input_ids": [*ids, *fillers],
        "attention_mask": [1] * len(ids) + [0 if late.hides_filler else 1] * len(fillers),
        "token_type_ids": [0] * (len(ids) + len(fillers)),
    }
    return [{key: torch.tensor([row]) for key, row in encoded.items() if key in _names(tokenizer)}]


def _names(tokenizer: Any) -> Sequence[str]:
    return [*tokenizer.model_input_names, "attention_mask"]


def _read(checkpoint: Checkpoint, output: Any, _is_mask: Any) -> list[float]:
    """The mean of the tokens' vectors, and each one's sum over their number."""
    import torch  # noqa: PLC0415

    from ..sentence.text_vector import after_module  # noqa: PLC0415

    rows = output.last_hidden_state[0]
    for module in _late(checkpoint).modules:
        rows = after_module(checkpoint.root / module, rows)
    rows = torch.nn.functional.normalize(rows, dim=1).double()
    return [*rows.mean(0).tolist(), *(rows.sum(1) / len(rows)).tolist()]


def _late(checkpoint: Checkpoint) -> Any:
    """Its settings of late interaction."""
    assert checkpoint.vectors is not None
    assert checkpoint.vectors.late is not None
    return checkpoint.vectors.late


AS_DOCUMENTS = Reference(
    auto_class="AutoModel",
    attention="sdpa",  # the library's; a filler that sees nothing in its window gets other numbers from eager attention
    texts=partial(_named, DOCUMENT),
    encode=_encode,
    read=_read,
)
