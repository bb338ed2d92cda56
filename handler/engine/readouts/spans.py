"""A GLiNER model's layers behind its encoder: from token vectors to a score for each span of words and each type.

gliner (0.2.29, UniEncoderSpanModel with markerV0) joins for each span what it makes of its first and its last word,
sends both through two layers, and multiplies the vector with those of the types. The first of these layers is the sum
of a product for each word; the second and the types are one matrix. So nothing is multiplied for each span but that.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence
from transformers import AutoModel

from ...config import VOCABULARY_PER_TOKEN, HandlerConfig
from ...spans.settings import HEAD_FOLDER
from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ...text.tokenization import Tokenizer
from ...text.words import TypedText
from ..placement import Placement
from .base import ByToken, Numbers, Seen

Layer = tuple[Tensor, Tensor]
"""A linear layer's matrix [out, in] and bias [out]."""


class TypedSpanReadout(ByToken):
    """zero-shot-token-classification: scores of each window's spans and types [S, C], before the sigmoid."""

    auto_class = AutoModel
    is_large = True

    def __init__(self, folder: Path, _: HandlerConfig, placement: Placement, __: Tokenizer) -> None:
        weights = load_file(folder / HEAD_FOLDER / "model.safetensors")
        self._head = SpanHead({name: tensor.float().to(placement.device) for name, tensor in weights.items()})

    def attach(self, network: Any) -> None:
        if isinstance(getattr(network, "pooler", None), nn.Module):
            network.pooler = nn.Identity()  # nobody reads it

    def cost(self, text: EncodedText) -> int:
        return text.num_tokens + self._count(text) // VOCABULARY_PER_TOKEN

    def read(self, output: Any, seen: Seen) -> Tensor:
        """The tokens' vectors; `choose` makes scores of them, which knows the texts."""
        return seen.tokens(output.last_hidden_state)

    def choose(self, rows: Tensor, texts: Sequence[EncodedText], num_slots: int) -> Tensor:
        """Token vectors [T, H] -> the scores of all texts' spans, one after the other [sum of S * C]."""
        starts = np.cumsum([0, *(text.num_tokens for text in texts)])
        typed = [(text, start) for text, start in zip(texts, starts, strict=False) if isinstance(text, TypedText)]
        return self._head(rows.float(), typed)

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        return sum(map(self._count, texts))

    def split(self, numbers: Numbers, texts: Sequence[EncodedText]) -> list[Row]:
        parts = np.split(numbers, np.cumsum([self._count(text) for text in texts])[:-1])
        return [part.reshape(_shape(text)) for part, text in zip(parts, texts, strict=True)]

    def _count(self, text: EncodedText) -> int:
        """Scores of a text."""
        return text.num_scores if isinstance(text, TypedText) else 0


def _shape(text: EncodedText) -> tuple[int, int]:
    assert isinstance(text, TypedText)
    return text.num_spans, len(text.types_at)


class SpanHead:
    """The layers, in float32 whatever the encoder computes in: they are a small part of the work."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self._weights = weights
        self._hidden = weights["prompt_rep_layer.3.weight"].shape[0]
        self._lstm = _make_lstm(weights)

    def __call__(self, states: Tensor, texts: Sequence[tuple[TypedText, int]]) -> Tensor:
        """Token vectors [T, H], and texts with their first rows among them -> scores [sum of S * C]."""
        words = self._read_words(states, texts)
        scores = [
            self._score(own, self._take(states, text.types_at, start), text.max_width).flatten()
            for own, (text, start) in zip(words, texts, strict=True)
        ]
        return torch.cat([states.new_empty(0), *scores])

    def _take(self, states: Tensor, places: np.typing.NDArray[Any], start: int) -> Tensor:
        """Vectors of some tokens of a text [N, hidden], projected where the encoder is wider or narrower."""
        taken = states[torch.from_numpy(places + start).to(states.device)]
        if "token_rep_layer.projection.weight" in self._weights:
            taken = F.linear(taken, *self._layer("token_rep_layer.projection"))
        return taken

    def _read_words(self, states: Tensor, texts: Sequence[tuple[TypedText, int]]) -> list[Tensor]:
        """The vectors of each text's words [W, hidden], read in both directions where the model has such a layer."""
        words = [self._take(states, text.words_at, start) for text, start in texts]
        filled = [each for each in words if len(each)]
        if self._lstm is None or not filled:
            return words
        read = iter(unpack_sequence(self._lstm(pack_sequence(filled, enforce_sorted=False))[0]))
        return [next(read) if len(each) else each for each in words]

    def _score(self, words: Tensor, types: Tensor, max_width: int) -> Tensor:
        """Vectors of words [W, hidden] and of types [C, hidden] -> [S, C], in the order of spans.places.list_spans."""
        firsts, lasts = (
            F.relu(self._project(f"span_rep_layer.span_rep_layer.project_{end}", words)) for end in ("start", "end")
        )
        matrix, bias = self._layer("span_rep_layer.span_rep_layer.out_project.0")
        firsts, lasts = F.linear(firsts, matrix[:, : self._hidden], bias), F.linear(lasts, matrix[:, self._hidden :])
        types = self._project("prompt_rep_layer", types)
        matrix, bias = self._layer("span_rep_layer.span_rep_layer.out_project.3")
        matrix, bias = types @ matrix, types @ bias
        widths = range(min(len(words), max_width))
        scores = [F.linear(F.relu(firsts[: len(firsts) - width] + lasts[width:]), matrix, bias) for width in widths]
        return torch.cat([words.new_empty(0, len(types)), *scores])

    def _project(self, name: str, vectors: Tensor) -> Tensor:
        """Through two layers with a ReLU between them; there was dropout in training, hence the numbers 0 and 3."""
        return F.linear(F.relu(F.linear(vectors, *self._layer(f"{name}.0"))), *self._layer(f"{name}.3"))

    def _layer(self, name: str) -> Layer:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]


def _make_lstm(weights: dict[str, Tensor]) -> nn.LSTM | None:
    """The layers that read the words in both directions; None where the model has none."""
    own = {name.removeprefix("rnn.lstm."): each for name, each in weights.items() if name.startswith("rnn.lstm.")}
    if not own:
        return None
    hidden, width = own["weight_hh_l0"].shape[1], own["weight_ih_l0"].shape[1]
    layers = sum(name.startswith("weight_ih") and not name.endswith("reverse") for name in own)
    with torch.device("meta"):
        lstm = nn.LSTM(width, hidden, layers, bidirectional=True)
    lstm.load_state_dict(own, assign=True)
    lstm.flatten_parameters()
    return lstm.eval().requires_grad_(requires_grad=False)
