"""Late interaction (ColBERT): texts as queries and documents, the vectors of their tokens, and MaxSim."""

import numpy as np

from ..config import HandlerConfig, Task
from ..errors import InvalidInput
from ..inputs import TextInput
from ..parameters import Parameters, choose_prompt
from ..text.encoded import EncodedText
from ..text.passages import Layout, Marks, Passages, TextPair
from ..vectors.late import DOCUMENT, QUERY, Late
from .kind import Reading, Row


def late_of(config: HandlerConfig) -> Late | None:
    """Return how the checkpoint reads texts, where it is made for late interaction."""
    return None if config.vectors is None else config.vectors.late


def gives_tokens(parameters: Parameters, config: HandlerConfig) -> bool:
    """Return whether an answer has a vector for each token: of late interaction's embeddings each has."""
    return parameters.gives_tokens if late_of(config) is None else config.task is Task.EMBEDDINGS


def plan_text(source: TextInput, prompt_name: str | None, config: HandlerConfig, late: Late) -> Passages:
    """Read one text as a query, or as a document, which all are that are not called so."""
    if source.token_ids is not None:
        raise InvalidInput("this model marks queries and documents with tokens of its own: send texts, not token ids")
    name = config.default_prompt if prompt_name is None else prompt_name
    return _passages([(name or DOCUMENT, source.text)], config, late)


def plan_ranking(source: TextInput, config: HandlerConfig, late: Late) -> Passages:
    """Read the query once, and each text once."""
    return _passages([(QUERY, source.text), *((DOCUMENT, text) for text in source.texts)], config, late)


def _passages(texts: list[tuple[str, str]], config: HandlerConfig, late: Late) -> Passages:
    """Texts by the names of their prompts."""
    pairs = (
        TextPair(text=choose_prompt(name, config) + text, marks=_marks(late, is_query=name == QUERY))
        for name, text in texts
    )
    return Passages(pairs=tuple(pairs), layout=Layout(max_tokens=config.max_tokens))


def _marks(late: Late, *, is_query: bool) -> Marks:
    if not is_query:
        return Marks(max_tokens=late.document_tokens, marker=late.document_marker)
    return Marks(
        max_tokens=late.query_tokens,
        marker=late.query_marker,
        filler=late.filler,
        hides_filler=late.hides_filler,
    )


def token_vectors(reading: Reading, prompt_name: str | None, config: HandlerConfig, late: Late) -> Row:
    """Return the vectors of a text's tokens [tokens, width], without those that a document skips."""
    name, row = config.default_prompt if prompt_name is None else prompt_name, reading.rows[0]
    if name == QUERY or not late.skipped:
        return row.copy()  # a part would hold the whole pass
    return _kept(reading.texts[0], row, late.skipped)


def max_sim(reading: Reading, late: Late) -> Row:
    """Rows of a query, then of texts -> each text's sum over the query's tokens of the largest product."""
    query, *documents = reading.rows
    kept = (_kept(text, rows, late.skipped) for text, rows in zip(reading.texts[1:], documents, strict=True))
    return np.array([(query @ rows.T).max(axis=1).sum() if len(rows) else 0.0 for rows in kept])


def _kept(text: EncodedText, rows: Row, skipped: tuple[int, ...]) -> Row:
    return rows[~np.isin(text.ids, skipped)] if skipped else rows
