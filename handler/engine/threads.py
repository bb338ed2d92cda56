"""How a model's forward passes on a CPU share the cores: a text takes as many threads as it is worth, texts take one.

Threads that work on one matrix wait for each other a hundred times in a pass, passively, so that they do not take a
neighbour's core. Threads that have texts of their own wait once.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import torch

from ..precision import Precision, layer_number
from ..tasks.kind import Row
from .lone.openvino_pass import LonePass
from .model import Batch, Model
from .packing import PackedBatch
from .placement import Placement

logger = logging.getLogger(__name__)

# Multiply-adds, measured with MiniLM and BERT-base on two cores of an Intel Xeon with AVX512 and VNNI, 2026-11-28
# (`python -m bench.precision`). Up to these a text is read faster by one thread than by two. In int8 a product is
# short and has more steps around it.
MOST_ON_ONE_THREAD = {Precision.INT8: 8e9}
MOST_OF_OTHERS = 5e8
# Beyond these several texts are read faster in parts, one for each thread.
MOST_IN_ONE_PART = {Precision.INT8: 1.5e9}


class CpuPasses:
    """A model's forward passes on this process's threads."""

    def __init__(self, model: Model, placement: Placement, lone: LonePass | None = None) -> None:
        """`lone`: what reads a lone text in the model's place, on as many threads as torch has."""
        self._model, self._precision, self._lone = model, placement.precision, lone
        self._per_token = multiply_adds_per_token(model.network)
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))  # which begins a thread when it is needed

    def forward(self, batch: Batch) -> list[Row]:
        """As Model.forward, with torch's threads as they were afterwards."""
        if self._lone and isinstance(batch, PackedBatch) and self._lone.holds(batch):
            try:
                return self._lone.forward(batch)
            except Exception:
                logger.exception("OpenVINO failed: torch reads lone texts from now on")
                self._lone = None
        multiply_adds = batch.cost * self._per_token
        is_much = multiply_adds > MOST_IN_ONE_PART.get(self._precision, MOST_OF_OTHERS)
        threads = torch.get_num_threads()
        if threads > 1 and len(batch.texts) > 1 and is_much:
            return self._in_parts(batch, threads)
        if multiply_adds > MOST_ON_ONE_THREAD.get(self._precision, MOST_OF_OTHERS):
            return self._model.forward(batch)
        with one_thread():
            return self._model.forward(batch)

    def _in_parts(self, batch: Batch, threads: int) -> list[Row]:
        """Have each thread read some of the texts; an error of one is the batch's."""
        parts = share_out([text.num_tokens for text in batch.texts], threads)
        running = [self._pool.submit(self._read_part, batch, part) for part in parts[1:]]
        try:
            done = [self._read_part(batch, parts[0]), *(each.result() for each in running)]
        finally:
            wait(running)  # or the next batch would run beside what is left of this one
        rows = dict(zip(chain(*parts), chain(*done), strict=True))
        return [rows[place] for place in range(len(batch.texts))]

    def _read_part(self, batch: Batch, part: Sequence[int]) -> list[Row]:
        """Read the texts in these places in one pass, on the thread that calls."""
        (own,) = self._model.batches([batch.texts[place] for place in part], batch.cost)
        with one_thread():
            found = self._model.forward(own)
        rows = dict(zip(own.indices, found, strict=True))
        return [rows[place] for place in range(len(part))]


def share_out(lengths: Sequence[int], shares: int) -> list[list[int]]:
    """Share out texts with these numbers of tokens, in order and about equally; no share is empty."""
    middles = np.cumsum(lengths) - np.array(lengths) / 2
    share_of = (middles * shares // sum(lengths)).astype(int)
    return [places for share in range(shares) if (places := np.flatnonzero(share_of == share).tolist())]


def multiply_adds_per_token(network: Any) -> float:
    """Count the numbers in the matrices of the encoder's layers: each takes part in one multiply-add for a token."""
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    found = [(number, tensor) for name, tensor in tensors.items() if (number := layer_number(name)) is not None]
    own_layers = len({number for number, _ in found})
    layers = int(getattr(network.config, "num_hidden_layers", own_layers))  # ALBERT runs one of its own many times
    numbers = sum(int(tensor.numel()) for _, tensor in found if tensor.ndim > 1)
    return numbers * layers / max(1, own_layers)


@contextmanager
def one_thread() -> Iterator[None]:
    """Have torch use one thread, and afterwards as many as before; changing that costs nothing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
