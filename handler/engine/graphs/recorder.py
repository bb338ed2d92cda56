"""How CUDA records work and runs it again: the only file that knows torch.cuda's graphs."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Recording:
    """Work that can be run again, on whatever lies in the memory that it reads."""

    replay: Callable[[], None]
    output: Tensor
    """What the work gives, in the same memory each time."""


class Recorder(Protocol):
    """Records work; a recording's intermediate results may lie where an earlier one has its own."""

    def __call__(self, work: Callable[[], Tensor], /) -> Recording:
        """Run the work once or more, and return its recording."""


class CudaRecorder:
    """CUDA graphs that share one memory pool, so that the largest is to be recorded first."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def __call__(self, work: Callable[[], Tensor], /) -> Recording:
        """Capture the work; RuntimeError where it asks the device for a number or decides by one."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream), _waiting_refused():
            work()  # what libraries set up when they are first called is not to be recorded
        current.wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            output = work()
        return Recording(graph.replay, output)


@contextmanager
def _waiting_refused() -> Iterator[None]:
    """Have torch raise where it would wait for the device.

    A capture would fail there too, and leave torch's allocator in the belief that it goes on.
    """
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it does not find every wait
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
