"""Who used the cores."""

import pytest

from bench.cpu import CpuReading, CpuShares, shares_between


def test_what_is_neither_client_nor_server_is_others() -> None:
    start = CpuReading(wall_s=100.0, machine_s=50.0, client_s=1.0, children_s=20.0)
    end = CpuReading(wall_s=110.0, machine_s=69.0, client_s=1.5, children_s=36.0)
    shares = shares_between(start, end)
    assert shares.client == pytest.approx(0.05)
    assert shares.others == pytest.approx(0.25)


def test_clocks_that_disagree_are_no_negative_noise() -> None:
    start = CpuReading(wall_s=0.0, machine_s=0.0, client_s=0.0, children_s=0.0)
    end = CpuReading(wall_s=1.0, machine_s=1.98, client_s=0.0, children_s=2.0)
    assert shares_between(start, end) == CpuShares(client=0.0, others=0.0)


def test_readings_are_of_this_process_and_machine() -> None:
    start, end = CpuReading.now(), CpuReading.now()
    assert end.wall_s > start.wall_s
    assert end.client_s >= start.client_s > 0
    assert end.machine_s > 0  # no more: the kernel's sums of steal and iowait may go backwards
