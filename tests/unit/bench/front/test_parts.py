"""Where a lone request's time goes: means that add up, and both statistics of the forward pass and the whole."""

from statistics import fmean

import pytest

from bench.front.parts import parts_of
from bench.load import Exchange

STEPS = (5.0, 0.5, 4.0)  # the worker's mean, of which tokenising and the forward pass
TAKEN = BEHIND_MS, FRONT_MS = (8.0, 8.0, 11.0), (9.0, 9.0, 15.0)


def exchange(taken_ms: float, worker_ms: float) -> Exchange:
    head = f"HTTP/1.1 200 \r\nX-Inference-Time-Ms: {worker_ms:.1f}\r\n\r\n".encode()
    return Exchange(text="a", sent_s=1.0, answered_s=1.0 + taken_ms / 1e3, status=200, body=b"", head=head)


def test_means_add_up_and_p50_stands_beside_them() -> None:
    behind, front = ([exchange(*each) for each in zip(taken, (4.0, 4.5, 7.0), strict=True)] for taken in TAKEN)
    parts = parts_of(behind, front, STEPS, delay_ms=1)
    added = ("forward pass", "tokenising", "rest of the worker", "maxBatchDelay", "TorchServe, sockets, client")
    assert sum(parts[name] for name in added) == pytest.approx(fmean(BEHIND_MS))
    assert sum(parts[name] for name in (*added, "the front")) == pytest.approx(parts["the whole"]) == fmean(FRONT_MS)
    assert parts["maxBatchDelay"] == 1
    assert parts["the worker, p50"] == 4.5
    assert parts["forward pass, p50"] == pytest.approx(4.5 - (5.0 - 4.0))
    assert parts["the whole, p50"] == pytest.approx(9.0)
