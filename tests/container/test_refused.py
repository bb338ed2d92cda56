"""Containers that cannot serve say why, at once, with the exit code of a refusal."""

from .podman import started_container

REFUSED = 4


def test_a_gpu_that_was_asked_for_and_is_missing(image: str) -> None:
    with started_container(image, "--env", "BERTH_DEVICE=cuda") as container:
        assert container.wait_for_end() == REFUSED
        last_line = container.log.splitlines()[-1]
        assert last_line.startswith("berth: BERTH_DEVICE is cuda and there is no GPU")
        assert "nvidia.com/gpu" in last_line


def test_management_beyond_loopback(image: str) -> None:
    with started_container(image, "--env", "TS_MANAGEMENT_ADDRESS=http://0.0.0.0:8081") as container:
        assert container.wait_for_end() == REFUSED
        assert "management API" in container.log


def test_memory_that_does_not_hold_the_model(image: str) -> None:
    """Before java starts, by the container's own limit."""
    with started_container(image, "--memory", "320m", "--memory-swap", "320m") as container:
        assert container.wait_for_end() == REFUSED
        last_line = container.log.splitlines()[-1]
        assert last_line.startswith("berth: bert would need ")
        assert "the control group's memory." in last_line
        assert "grants 320 MiB" in last_line


def test_memory_that_was_said_to_hold_the_model(image: str) -> None:
    """The kernel kills the worker while it loads. berth says so and ends; it does not wait for ever."""
    limits = ("--memory", "320m", "--memory-swap", "320m")
    with started_container(image, *limits, arguments=("--memory", "4Gi")) as container:
        assert container.wait_for_end() == REFUSED
        assert "because memory ran out" in container.log.splitlines()[-1]
