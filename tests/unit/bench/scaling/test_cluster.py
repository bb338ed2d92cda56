"""Pods, loads and clusters with answers that are known without the simulation."""

import math
import statistics
from itertools import pairwise

import pytest

from bench.machine import REPOSITORY
from bench.scaling import curves
from bench.scaling.cluster import Cluster, Outcome, Reading
from bench.scaling.controllers import Fixed, ToNone
from bench.scaling.measured import service_time
from bench.scaling.pod import Pod, ServiceTime
from bench.scaling.report import curve_table
from bench.scaling.settings import read_keda, ways
from berth.tune.open_loop import poisson

ONE_BY_ONE = ServiceTime(once_s=0.0, each_s=0.1, max_batch=1)
BATCHES = ServiceTime(once_s=0.07, each_s=0.03)


def wait(service: ServiceTime, rps: float, seconds: float) -> float:
    """The mean time in the queue of one pod."""
    pod = Pod(service=service)
    for at_s in poisson(rps, seconds, seed=1):
        assert pod.offer(at_s)
    pod.advance(math.inf)
    return statistics.fmean(latency for _, latency in pod.answered) - service.seconds(1)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_pod_that_takes_one_at_a_time_waits_as_an_m_d_1_queue(share: float) -> None:
    """Pollaczek and Khinchine: share x service time / (2 (1 - share))."""
    known = share * 0.1 / (2 * (1 - share))
    assert wait(ONE_BY_ONE, share / 0.1, 20_000.0) == pytest.approx(known, rel=0.06)


def test_what_waits_shares_the_next_batch() -> None:
    pod = Pod(service=BATCHES)
    for at_s in (0.0, 0.01, 0.02, 0.05):
        assert pod.offer(at_s)
    pod.advance(math.inf)
    ends = [at_s + latency for at_s, latency in pod.answered]
    assert ends == pytest.approx([0.10, 0.26, 0.26, 0.26])
    assert pod.busy_until(1.0) == pytest.approx(0.26)


def test_a_request_that_would_wait_too_long_is_refused_and_one_alone_never() -> None:
    slow = ServiceTime(once_s=0.0, each_s=10.0, max_batch=1)  # twice 10 s is in time, twice 20 s is not
    pod = Pod(service=slow)
    assert [pod.offer(0.0) for _ in range(3)] == [True, False, False]
    assert Pod(service=ServiceTime(once_s=0.0, each_s=100.0, max_batch=1)).offer(0.0)


def test_service_time_is_fitted_to_a_lone_client_and_a_closed_loop() -> None:
    fitted = ServiceTime.fit(lone_s=0.1, clients=32, rps=32 / 1.03)
    assert (fitted.once_s, fitted.each_s) == pytest.approx((0.07, 0.03))
    measured = service_time(REPOSITORY / "docs/bench/peers-avx2-base.json", "BERT-base")
    assert measured.seconds(1) == pytest.approx(0.100, abs=0.001)  # the page's lone p50
    assert 32 / measured.seconds(32) == pytest.approx(30.0)  # the page's requests/s of 32 clients


def test_a_curve_has_the_arrivals_of_its_rate() -> None:
    curve = curves.step(20, 90, minutes=(1, 1, 1))
    arrivals = list(curve.arrivals(seed=1))
    assert all(former < latter for former, latter in pairwise(arrivals))
    counts = [sum(60 * minute <= at_s < 60 * (minute + 1) for at_s in arrivals) for minute in range(3)]
    assert counts == pytest.approx([1200, 5400, 1200], rel=0.05)
    assert curves.day(5, 70).rate(3 * 3600.0) == pytest.approx(5)
    assert curves.day(5, 70).rate(15 * 3600.0) == pytest.approx(70)
    assert curves.office(70).rate(4 * 3600.0) == curves.office(70).rate(22 * 3600.0) == 0.0


def test_a_recorded_day_has_its_counts_rates() -> None:
    curve = curves.recorded(110)
    minutes = {0: 94, 4: 94, 5: 56, 970: 335, 692: 6, 1439: 9}  # the counts of five minutes; those of 690 are missing
    assert [curve.rate(minute * 60.0) for minute in minutes] == pytest.approx(
        [count * 110 / 335 for count in minutes.values()]
    )


def test_fixed_pods_cost_their_time_and_share_the_load() -> None:
    arrivals = poisson(30.0, 600.0, seed=1)
    alone, shared = (
        Cluster(service=BATCHES, controller=Fixed(first_pods=pods), start_s=0.0).run(arrivals, 600.0) for pods in (1, 4)
    )
    assert (alone.pod_seconds, shared.pod_seconds) == pytest.approx((600.0, 2400.0), rel=0.03)
    assert alone.num_requests == shared.num_requests == len(arrivals)
    assert sum(map(len, shared.windows.values())) == len(arrivals)
    assert shared.minutes_over(1.0) == 0 < alone.minutes_over(1.0)


@pytest.fixture(scope="module")
def short_step() -> dict[str, Outcome]:
    """Every way under ten minutes of a load that one pod holds, and twenty that takes three."""
    curve = curves.step(20, 80, minutes=(10, 15, 0))
    arrivals = list(curve.arrivals(seed=1))
    return {
        way.name: Cluster(service=BATCHES, controller=way.make(), start_s=97.0).run(arrivals, curve.duration_s)
        for way in ways()
    }


def test_pods_follow_a_step_and_the_table_says_so(short_step: dict[str, Outcome]) -> None:
    fixed, most, cpu, gauge, keda = short_step.values()
    assert fixed.minutes_over(1.0) >= 14
    assert most.minutes_over(1.0) == 0
    assert gauge.minutes_over(1.0) <= 4
    assert gauge.most_pods == 4
    assert gauge.pod_seconds < min(cpu.pod_seconds, most.pod_seconds)
    assert keda.num_refused > gauge.num_refused  # until the first pod is there
    table = curve_table(short_step, 1.0, 0.1)
    assert len(table.splitlines()) == 2 + len(short_step)
    assert f"{gauge.num_refused} (" in table


def test_keda_goes_to_none_after_a_quiet_time_and_wakes_when_the_balancer_has_counted() -> None:
    keda = read_keda()
    assert isinstance(keda, ToNone)
    quiet = Reading(in_flight=[], busy_share=[], num_asked=0)
    assert keda.decide(0.0, quiet) == 0
    assert keda.decide(15.0, Reading(in_flight=[], busy_share=[], num_asked=3)) == 0
    woken = next(sync * 15.0 for sync in range(2, 100) if keda.decide(sync * 15.0, quiet) == 1)
    assert woken == 15.0 + keda.seen_after_s
    one = Reading(in_flight=[0.0], busy_share=[0.0], num_asked=0)
    gone = next(woken + sync * 15.0 for sync in range(1, 100) if keda.decide(woken + sync * 15.0, one) == 0)
    assert gone == pytest.approx(woken + keda.cooldown_s, abs=15.0)
