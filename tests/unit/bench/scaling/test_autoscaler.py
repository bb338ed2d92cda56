"""The autoscaler decides as Kubernetes says: tasks/run-application/horizontal-pod-autoscale, and its source."""

import pytest

from bench.scaling.autoscaler import Autoscaler, Rules, Settings, desired_pods
from bench.scaling.settings import read_hpa, read_keda

DEFAULTS = Settings.read({"minReplicas": 1, "maxReplicas": 100}, 10.0, {})


@pytest.mark.parametrize(
    ("values", "target", "wanted"),
    [
        ([200.0], 100.0, 2),  # "if the current metric value is 200m, and the desired value is 100m, ... doubled"
        ([50.0, 50.0], 100.0, 1),  # "if the current value is instead 50m, you'll halve"
        ([109.0] * 10, 100.0, 10),  # within the tolerance of 0.1
        ([111.0] * 10, 100.0, 12),
        ([300.0, None], 100.0, 3),  # upwards a pod without a metric counts as 0: a ratio of 1.5, not 3
        ([10.0, None], 100.0, 2),  # downwards as the target: a ratio of 0.55, not 0.1
        ([150.0, None], 100.0, 2),  # "the new ratio reverses the scale direction": nothing
        ([None, None], 100.0, 2),
    ],
)
def test_desired_pods(values: list[float | None], target: float, wanted: int) -> None:
    assert desired_pods(values, target) == wanted


def test_the_default_adds_four_pods_or_doubles_them_every_15_seconds() -> None:
    autoscaler = Autoscaler(settings=DEFAULTS)
    pods = [1]
    for sync in range(4):
        pods.append(autoscaler.decide(15.0 * sync, [1000.0] * pods[-1]))
    assert pods == [1, 5, 10, 20, 40]


def test_the_default_removes_pods_only_when_none_was_wanted_for_five_minutes() -> None:
    autoscaler = Autoscaler(settings=DEFAULTS)
    assert autoscaler.decide(0.0, [10.0] * 8) == 8
    decided = [autoscaler.decide(15.0 * sync, [1.0] * 8) for sync in range(1, 22)]
    assert decided == [8] * 20 + [1]


def test_a_policy_of_pods_counts_what_was_removed_in_its_period() -> None:
    """The documentation's example: one pod a minute."""
    slowly = Rules(window_s=0, policies=[("Pods", 1, 60)])
    settings = Settings(min_pods=1, max_pods=100, target=10.0, up=DEFAULTS.up, down=slowly)
    autoscaler, pods = Autoscaler(settings=settings), [10]
    for sync in range(9):
        pods.append(autoscaler.decide(15.0 * sync, [1.0] * pods[-1]))
    assert pods == [10, 9, 9, 9, 9, 8, 8, 8, 8, 7]


def test_limits_hold_whatever_the_metric_says() -> None:
    settings = Settings.read({"minReplicas": 2, "maxReplicas": 3}, 10.0, {})
    assert Autoscaler(settings=settings).decide(0.0, [500.0] * 2) == 3
    assert Autoscaler(settings=settings).decide(0.0, [0.0] * 1) == 2


def test_what_is_simulated_is_what_the_components_say() -> None:
    hpa, keda = read_hpa(), read_keda()
    assert (hpa.min_pods, hpa.target) == (2, 8.0)
    assert keda.following.settings.target == hpa.target
    assert (keda.following.settings.up, keda.following.settings.down) == (hpa.up, hpa.down)
