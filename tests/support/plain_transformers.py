"""Plain transformers in fp32, one text at a time: the reference for every answer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

TextOrPair = str | tuple[str, str]
Vectors = list[npt.NDArray[np.float32]]


@torch.inference_mode()
def embed_one_by_one(folder: Path, texts: list[str], max_tokens: int) -> Vectors:
    """The mean-pooled, normalised vector [H] of each text."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    vectors = []
    for text in texts:
        encoded = tokenizer(text, truncation=True, max_length=max_tokens, return_tensors="pt")
        pooled = model(**encoded).last_hidden_state[0].mean(0)
        vectors.append(torch.nn.functional.normalize(pooled, dim=0).numpy())
    return vectors


@torch.inference_mode()
def classify_one_by_one(folder: Path, texts: Sequence[TextOrPair], max_tokens: int) -> list[dict[str, float]]:
    """The softmax scores, by label, of each text or pair."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    results = []
    for text in texts:
        pair = (text,) if isinstance(text, str) else text
        encoded = tokenizer(*pair, truncation=True, max_length=max_tokens, return_tensors="pt")
        scores = model(**encoded).logits[0].softmax(-1)
        results.append({model.config.id2label[index]: float(score) for index, score in enumerate(scores)})
    return results
