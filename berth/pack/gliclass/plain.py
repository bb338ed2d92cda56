"""What a GLiClass model says of a text, by plain torch and transformers, as gliclass 0.1.21 does it.

It shares no code with the handler, or it would prove nothing: labels and text are tokenised as one string, and vectors
are picked by masks over all tokens.
"""

from collections.abc import Sequence
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers.activations import ACT2FN

from handler.candidates.settings import HEAD_FOLDER, CandidateSettings

from ...checkpoint_files import WEIGHTS
from ..checkpoint import Checkpoint


def label_logits(checkpoint: Checkpoint, model: Any, tokenizer: Any, text: str, labels: Sequence[str]) -> list[float]:
    """A logit for each label, in order."""
    settings = checkpoint.candidates
    assert settings is not None
    prompt = "".join(f"<<LABEL>>{label}" for label in labels) + "<<SEP>>"
    whole = tokenizer(prompt + text if settings.labels_first else text + prompt)["input_ids"]
    ids = torch.tensor(_cut(whole, checkpoint.max_tokens, settings))
    states = model(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None]).last_hidden_state[0]
    weights = {name: each.float() for name, each in load_file(checkpoint.root / HEAD_FOLDER / WEIGHTS).items()}
    own = torch.stack([_label(states, ids, number, settings) for number in range(len(labels))])
    vectors = _project(weights, "classes_projector", own, settings)
    vector = _project(weights, "text_projector", _text(states, ids, settings), settings)
    logits = torch.stack([_score(weights, vector, each, settings.scorer) for each in vectors])
    numbers: list[float] = (logits * weights["logit_scale"] if settings.normalizes else logits).tolist()
    return numbers


def _cut(ids: list[int], max_tokens: int, settings: CandidateSettings) -> list[int]:
    """The text cut at its end, and nothing else: its last token is followed by special ones, or by the labels."""
    surplus = max(0, len(ids) - max_tokens)
    end = len(ids) - 1 if settings.labels_first else ids.index(settings.label_id)
    return ids[: end - surplus] + ids[end:]


def _label(states: Tensor, ids: Tensor, number: int, settings: CandidateSettings) -> Tensor:
    """The vector of one label before it is projected."""
    is_token = ids == settings.label_id
    belongs = is_token.cumsum(0) == number + 1
    if settings.reads_text_alone:
        belongs &= (ids == settings.text_id).cumsum(0) == 0
    if not settings.reads_label_token:
        belongs &= ~is_token
    own = states[belongs]
    if settings.averages_labels:
        return own.sum(0) / max(1, len(own))
    at = int(is_token.nonzero()[number, 0])
    return states[at if settings.reads_label_token else at + 1]


def _text(states: Tensor, ids: Tensor, settings: CandidateSettings) -> Tensor:
    """The text's vector before it is projected; where it is read alone, zeros stand for the tokens before it."""
    begin = int((ids == settings.text_id).nonzero()[0, 0]) if settings.reads_text_alone else 0
    own = torch.cat([states[begin:], torch.zeros_like(states[:begin])])
    return own.mean(0) if settings.averages_text else own[0]


def _project(weights: dict[str, Tensor], name: str, vectors: Tensor, settings: CandidateSettings) -> Tensor:
    inner = ACT2FN[settings.activation](_linear(weights, f"{name}.linear_1", vectors))
    projected = _linear(weights, f"{name}.linear_2", inner)
    return projected / (projected.norm(dim=-1, keepdim=True) + 1e-8) if settings.normalizes else projected


def _score(weights: dict[str, Tensor], text: Tensor, label: Tensor, scorer: str) -> Tensor:
    """The number of one label."""
    if scorer == "simple":
        return text @ label
    if scorer == "mlp":
        inner = _linear(weights, "scorer.mlp.0", torch.cat([text, label])).relu()
        return _linear(weights, "scorer.mlp.4", _linear(weights, "scorer.mlp.2", inner).relu())[0]
    own = _linear(weights, "scorer.proj_text", text).view(2, -1)
    theirs = _linear(weights, "scorer.proj_label", label).view(2, -1)
    joined = torch.cat([own[0], theirs[0], own[1] * theirs[1]])
    return _linear(weights, "scorer.out_mlp.3", _linear(weights, "scorer.out_mlp.0", joined).relu())[0]


def _linear(weights: dict[str, Tensor], name: str, vectors: Tensor) -> Tensor:
    return vectors @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
