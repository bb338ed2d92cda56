"""`python -m bench.precision.attention`: how should a CPU attend within each of many short texts?

One layer's attention over a packed stream in fp32, on one thread, in microseconds of a core: a call for each text, as
the worker does; a call for each group of equal lengths; all texts padded to the longest in one masked call; the stream
as one text with a mask of blocks. All take turns. Beside them stands the layer's other work, its matrix products.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
import typer
from torch import Tensor

from ..machine import describe_run
from ..texts import mixed_texts, num_tokens
from .__main__ import to_table
from .engine import WORDS
from .lone import Pass, take_turns

COMMAND = "python -m bench.precision.attention"
SCHEMA_VERSION = 1
HEADS = {"MiniLM": (12, 32), "BERT-base": (12, 64)}  # heads, and numbers of each
MIXES: Mapping[str, list[int]] = {
    "32 texts of 6 to 18 tokens": [6 + (5 * number) % 13 for number in range(32)],
    "32 texts of 26 tokens on average": [num_tokens(text) for text in mixed_texts(WORDS, 32)],
    "8 texts of 128 tokens": [128] * 8,
}
Attend = Callable[[Tensor, Tensor, Tensor, Sequence[int]], Tensor]
"""Query, key and value [1, heads, T, size] and the texts' lengths -> the same shape."""


def main(rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every way.")] = 5) -> None:
    """Measure: half a minute."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    figures: dict[str, dict[str, list[float]]] = {}
    for model, (heads, size) in HEADS.items():
        found = figures.setdefault(f"{model}, us of a core", {})
        for _ in range(rounds):
            for mix, lengths in MIXES.items():
                for way, taken_us in measure(heads, size, lengths).items():
                    found.setdefault(f"{mix}: {way}", []).append(taken_us)
    for heading, found in figures.items():
        print(to_table(heading, found))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "attention", **facts, "figures": figures}))


def measure(heads: int, size: int, lengths: Sequence[int]) -> dict[str, float]:
    """Median microseconds of every way, whose results are equal, and of the layer's products."""
    torch.manual_seed(1)
    total = sum(lengths)
    parts = [torch.randn(1, total, heads, size).transpose(1, 2) for _ in range(3)]  # as a layer hands them on
    query, key, value = parts
    expected = each_text(query, key, value, lengths)
    for way, attend in WAYS.items():
        torch.testing.assert_close(attend(query, key, value, lengths), expected, msg=f"{way} attends otherwise")
    runs: dict[str, Pass] = {way: partial(attend, query, key, value, lengths) for way, attend in WAYS.items()}
    runs |= {"the layer's products": make_products(total, heads * size)}
    with torch.inference_mode():
        return take_turns(runs, per_s=1e6)


def each_text(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
    """A call for each."""
    texts = zip(*(torch.split(tensor, list(lengths), 2) for tensor in (query, key, value)), strict=True)
    return torch.cat([F.scaled_dot_product_attention(*text) for text in texts], 2)


def equal_lengths(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
    """A call for all texts of one length: their rows are gathered and put back."""
    firsts: dict[int, list[int]] = defaultdict(list)
    first = 0
    for length in lengths:
        firsts[length].append(first)
        first += length
    result = torch.empty_like(query)
    for length, starts in firsts.items():
        places = (torch.tensor(starts)[:, None] + torch.arange(length)).flatten()
        q, k, v = (_fold(tensor[0, :, places], length) for tensor in (query, key, value))
        seen = F.scaled_dot_product_attention(q, k, v)
        result[0].index_copy_(1, places, seen.transpose(0, 1).flatten(1, 2))
    return result


def padded(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
    """One masked call of all texts, as long as the longest."""
    longest = max(lengths)
    is_token = torch.arange(longest) < torch.tensor(lengths)[:, None]
    q, k, v = (query.new_zeros(len(lengths), query.shape[1], longest, query.shape[3]) for _ in range(3))
    for rows, tensor in ((q, query), (k, key), (v, value)):
        rows.transpose(1, 2)[is_token] = tensor[0].transpose(0, 1)
    seen = F.scaled_dot_product_attention(q, k, v, attn_mask=is_token[:, None, None])
    return seen.transpose(1, 2)[is_token].transpose(0, 1)[None]


def blocks(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
    """One call, in which a mask keeps texts apart."""
    number = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=number[:, None] == number)


def _fold(rows: Tensor, length: int) -> Tensor:
    """[heads, texts * length, size] -> [texts, heads, length, size]."""
    heads, _, size = rows.shape
    return rows.view(heads, -1, length, size).transpose(0, 1)


WAYS: Mapping[str, Attend] = {
    "a call for each": each_text,
    "a call for each length": equal_lengths,
    "one padded call": padded,
    "one call with a mask of blocks": blocks,
}


def make_products(num_tokens: int, width: int) -> Pass:
    """The layer's six products, of so many tokens."""
    states, wide = torch.randn(num_tokens, width), torch.randn(num_tokens, 4 * width)
    square, up, down = (torch.randn(shape) for shape in ((width, width), (4 * width, width), (width, 4 * width)))
    return lambda: [F.linear(states, each) for each in (square, square, square, square, up)] + [F.linear(wide, down)]


if __name__ == "__main__":
    typer.run(main)
