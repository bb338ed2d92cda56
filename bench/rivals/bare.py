"""The model with nothing around it: tokenise, transformers' forward pass, mean pooling, in this process.

It is the reference for every served answer, and for a lone client's latency.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

WARM_UP_TEXTS = 10
PEAK_SIZE = 2048  # 3 x 16 MiB: larger than the caches, where products reach their best speed
PEAK_REPEATS = 5


class BareModel:
    """A mean-pooled, normalised embedding model, fp32 on the CPU, one text at a time."""

    def __init__(self, folder: Path, num_threads: int) -> None:
        torch.set_num_threads(num_threads)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()

    @torch.inference_mode()
    def embed(self, text: str) -> list[float]:
        """The text's vector [H]."""
        states = self._model(**self._tokenizer(text, return_tensors="pt")).last_hidden_state
        vector: list[float] = F.normalize(states.mean(1), dim=1)[0].tolist()
        return vector

    def time_texts(self, texts: Sequence[str]) -> list[float]:
        """Seconds for each text, after a warm-up."""
        for text in texts[:WARM_UP_TEXTS]:
            self.embed(text)
        return [self._time(text) for text in texts]

    def _time(self, text: str) -> float:
        start_s = time.perf_counter()
        self.embed(text)
        return time.perf_counter() - start_s


def measure_matmul_gflops() -> float:
    """GFLOP/s of the fastest fp32 matrix product that this machine does now, with the threads that torch has."""
    left, right = torch.rand(PEAK_SIZE, PEAK_SIZE), torch.rand(PEAK_SIZE, PEAK_SIZE)
    times_s = []
    for _ in range(PEAK_REPEATS):
        start_s = time.perf_counter()
        torch.mm(left, right)
        times_s.append(time.perf_counter() - start_s)
    return 2 * PEAK_SIZE**3 / min(times_s) / 1e9


def largest_difference(vector: Sequence[float], reference: Sequence[float]) -> float:
    """The largest difference between two numbers at the same place; infinite when the lengths differ."""
    if len(vector) != len(reference):
        return float("inf")
    return max(abs(one - other) for one, other in zip(vector, reference, strict=True))
