"""What a GLiNER model says of a text, by plain torch and transformers, one window at a time, as gliner 0.2.29 does it.

It shares no code with the handler, or it would prove nothing: every span's vector is made, and multiplied with those of
the types.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from handler.config import KNOWN_SPANS_STEP
from handler.spans.settings import HEAD_FOLDER

from ...checkpoint_files import WEIGHTS
from ..checkpoint import Checkpoint

WORDS = re.compile(r"\w+(?:[-_]\w+)*|\S")


def span_scores(checkpoint: Checkpoint, model: Any, tokenizer: Any, text: str, labels: Sequence[str]) -> list[float]:
    """Logits of each window's spans and labels, every KNOWN_SPANS_STEPth: all spans of one word first, then of two."""
    spans = checkpoint.spans
    assert spans is not None
    prompt = [part for label in labels for part in (spans.type_token, label)] + [spans.text_token]
    words = [word for word in WORDS.findall(text) if _count(tokenizer, [word])]
    room = checkpoint.max_tokens - _count(tokenizer, prompt) - tokenizer.num_special_tokens_to_add()
    weights = {name: each.float() for name, each in load_file(checkpoint.root / HEAD_FOLDER / WEIGHTS).items()}
    numbers: list[float] = []
    for window in _windows(words, [_count(tokenizer, [word]) for word in words], room, checkpoint):
        encoded = tokenizer(prompt + window, is_split_into_words=True, return_tensors="pt")
        states = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).last_hidden_state[0]
        places = encoded.word_ids(0)
        starts = [place for place, word in enumerate(places) if word is not None and word != places[place - 1]]
        type_id = tokenizer.convert_tokens_to_ids(spans.type_token)
        types = [place for place in starts if encoded["input_ids"][0, place] == type_id][: len(labels)]
        rows = _score(
            weights,
            states[[place for place in starts if places[place] >= len(prompt)]],
            states[[place + (not spans.reads_type_token) for place in types]],
            spans.max_width,
        )
        numbers += rows.flatten()[::KNOWN_SPANS_STEP].tolist()
    return numbers


def _count(tokenizer: Any, words: list[str]) -> int:
    """Tokens of words, without special ones around them."""
    return len(tokenizer(words, is_split_into_words=True, add_special_tokens=False)["input_ids"])


def _windows(words: list[str], counts: list[int], room: int, checkpoint: Checkpoint) -> Iterator[list[str]]:
    """Yield the words of each window: as many as fit, the next beginning two entities' widths before its end."""
    assert checkpoint.spans is not None
    begin, end = 0, 0
    while end < len(words) or not end:
        end = max(end, min(begin + 1, len(words)))
        while end < len(words) and end < begin + checkpoint.spans.max_words and sum(counts[begin : end + 1]) <= room:
            end += 1
        yield words[begin:end]
        if not words:
            return
        begin = max(end - 2 * checkpoint.spans.max_width, end - (end - begin) // 2)
        while begin < end < len(words) and sum(counts[begin : end + 1]) > room:
            begin += 1


def _score(weights: dict[str, Tensor], words: Tensor, types: Tensor, max_width: int) -> Tensor:
    """Vectors of W words' and C types' tokens -> scores [S, C]."""
    if "token_rep_layer.projection.weight" in weights:
        words, types = (_linear(weights, "token_rep_layer.projection", each) for each in (words, types))
    words = _both_directions(weights, words)
    first = _two_layers(weights, "span_rep_layer.span_rep_layer.project_start", words)
    last = _two_layers(weights, "span_rep_layer.span_rep_layer.project_end", words)
    pairs = [
        torch.cat([first[begin], last[begin + width]])
        for width in range(min(max_width, len(words)))
        for begin in range(len(words) - width)
    ]
    types = _two_layers(weights, "prompt_rep_layer", types)
    if not pairs:
        return types.new_empty(0, len(types))
    vectors = _two_layers(weights, "span_rep_layer.span_rep_layer.out_project", torch.stack(pairs).relu())
    return torch.einsum("sd,cd->sc", vectors, types)


def _both_directions(weights: dict[str, Tensor], words: Tensor) -> Tensor:
    own = {name.removeprefix("rnn.lstm."): each for name, each in weights.items() if name.startswith("rnn.lstm.")}
    if not own or not len(words):
        return words
    num_layers = len([name for name in own if name.startswith("bias_hh") and not name.endswith("reverse")])
    lstm = nn.LSTM(words.shape[1], own["weight_hh_l0"].shape[1], num_layers, batch_first=True, bidirectional=True)
    lstm.load_state_dict(own)
    read: Tensor = lstm(words.unsqueeze(0))[0][0]
    return read


def _two_layers(weights: dict[str, Tensor], name: str, vectors: Tensor) -> Tensor:
    return _linear(weights, f"{name}.3", _linear(weights, f"{name}.0", vectors).relu())


def _linear(weights: dict[str, Tensor], name: str, vectors: Tensor) -> Tensor:
    return vectors @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
