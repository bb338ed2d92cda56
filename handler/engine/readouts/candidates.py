"""A GLiClass model's layers behind its encoder: from token vectors to a logit for each label read with a text.

gliclass (0.1.21, GLiClassUniEncoder) sends the vector of each label and that of the text through two layers each, and
scores every label with the text. All labels of a batch are scored at once.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel
from transformers.activations import ACT2FN

from ...candidates.places import Ints, find_places
from ...candidates.settings import HEAD_FOLDER, CandidateSettings
from ...config import HandlerConfig
from ...errors import ConfigError
from ...text.encoded import EncodedText
from ...text.tokenization import Tokenizer
from ..placement import Placement
from .base import ByToken, Seen

EPSILON = 1e-8  # gliclass's, where it makes a vector of length 1
Layers = Mapping[str, Tensor]


class CandidateReadout(ByToken):
    """zero-shot-classification of labels that are read with the text: a logit for each label token of it [C]."""

    auto_class = AutoModel

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, _: Tokenizer) -> None:
        if config.candidates is None:
            raise ConfigError("model-config.yaml has no candidates: pack the checkpoint again")
        self._settings = config.candidates
        weights = load_file(folder / HEAD_FOLDER / "model.safetensors")
        own = {name: tensor.float().to(placement.device) for name, tensor in weights.items()}
        self._head = CandidateHead(own, config.candidates)

    def attach(self, network: Any) -> None:
        if isinstance(getattr(network, "pooler", None), nn.Module):
            network.pooler = nn.Identity()  # nobody reads it

    def count(self, text: EncodedText) -> int:
        return text.count(self._settings.label_id)

    def read(self, output: Any, seen: Seen) -> Tensor:
        """The tokens' vectors; `choose` makes logits of them, which knows the texts."""
        return seen.tokens(output.last_hidden_state)

    def choose(self, rows: Tensor, texts: Sequence[EncodedText], _num_slots: int) -> Tensor:
        """Token vectors [T, H] -> the logits of all texts' labels, one text after the other [sum of C]."""
        starts = np.cumsum([0, *(text.num_tokens for text in texts)])
        places = [find_places(text.ids, self._settings) for text in texts]
        begins, ends = (
            np.concatenate([part + start for part, start in zip(parts, starts, strict=False)])
            for parts in ([each.begins for each in places], [each.ends for each in places])
        )
        divisors = np.concatenate([each.divisors for each in places])
        vectors = mean_parts(rows, begins, ends, divisors)
        return self._head(vectors, [len(each.begins) - 1 for each in places])


def mean_parts(states: Tensor, begins: Ints, ends: Ints, divisors: Ints) -> Tensor:
    """Vectors [T, H] -> for each part of them, which may be empty, the sum over a number [N, H], in float32."""
    lengths = ends - begins
    first = np.cumsum(lengths) - lengths  # of each part, among the tokens of all parts
    places = np.arange(lengths.sum()) + np.repeat(begins - first, lengths)
    own = states[_on(states, places)].float()
    is_one_each = (lengths == 1).all()
    sums = own if is_one_each else torch.segment_reduce(own, "sum", lengths=_on(states, lengths), axis=0)
    return sums / _on(states, divisors).unsqueeze(1)


def _on(states: Tensor, numbers: Ints) -> Tensor:
    return torch.from_numpy(numbers).to(states.device)


class CandidateHead:
    """The layers, in float32 whatever the encoder computes in: they are a small part of the work."""

    def __init__(self, weights: Layers, settings: CandidateSettings) -> None:
        self._weights = weights
        self._activate = ACT2FN[settings.activation]
        self._normalizes = settings.normalizes
        self._score: Callable[[Layers, Tensor, Tensor], Tensor] = SCORERS[settings.scorer]

    def __call__(self, vectors: Tensor, counts: Sequence[int]) -> Tensor:
        """Vectors [N, H]: of each text `counts` labels, and its own behind them -> logits [sum of counts]."""
        is_text = torch.zeros(len(vectors), dtype=torch.bool)
        is_text[np.cumsum(np.array(counts) + 1) - 1] = True
        is_text = is_text.to(vectors.device)
        texts = self._project("text_projector", vectors[is_text])
        labels = self._project("classes_projector", vectors[~is_text])
        owners = torch.from_numpy(np.repeat(np.arange(len(counts)), counts)).to(vectors.device)
        logits = self._score(self._weights, texts[owners], labels)
        return logits * self._weights["logit_scale"] if self._normalizes else logits

    def _project(self, name: str, vectors: Tensor) -> Tensor:
        inner = self._activate(linear(self._weights, f"{name}.linear_1", vectors))
        projected = linear(self._weights, f"{name}.linear_2", inner)
        return projected / (projected.norm(dim=-1, keepdim=True) + EPSILON) if self._normalizes else projected


def linear(weights: Layers, name: str, vectors: Tensor) -> Tensor:
    """A layer by its name."""
    return F.linear(vectors, weights[f"{name}.weight"], weights[f"{name}.bias"])


def score_simple(_: Layers, texts: Tensor, labels: Tensor) -> Tensor:
    """The product of two vectors; both are [C, H], and so is what the others are given."""
    return (texts * labels).sum(-1)


def score_weighted(weights: Layers, texts: Tensor, labels: Tensor) -> Tensor:
    """Two layers over a part of each vector, and the product of another part of each."""
    text, other_text = linear(weights, "scorer.proj_text", texts).chunk(2, dim=-1)
    label, other_label = linear(weights, "scorer.proj_label", labels).chunk(2, dim=-1)
    joined = torch.cat([text, label, other_text * other_label], dim=-1)
    return _last(weights, ("scorer.out_mlp.0", "scorer.out_mlp.3"), joined)


def score_mlp(weights: Layers, texts: Tensor, labels: Tensor) -> Tensor:
    """Three layers over both vectors."""
    return _last(weights, ("scorer.mlp.0", "scorer.mlp.2", "scorer.mlp.4"), torch.cat([texts, labels], dim=-1))


def _last(weights: Layers, names: Sequence[str], vectors: Tensor) -> Tensor:
    """Through layers with a ReLU between them; the last one gives a number."""
    for name in names[:-1]:
        vectors = F.relu(linear(weights, name, vectors))
    return linear(weights, names[-1], vectors).squeeze(-1)


SCORERS = {"simple": score_simple, "weighted-dot": score_weighted, "mlp": score_mlp}
