"""java's sizes follow from what waits for it, and what the user wrote is taken as it is."""

from dataclasses import replace

import pytest

from berth.errors import UsageError
from berth.machine.quantities import MIB
from berth.memory.jvm import MIN_HEAP_BYTES, Traffic, size_jvm

TRAFFIC = Traffic(requests=192, request_bytes=MIB, workers=1, batch_request_bytes=64 * MIB, batch_answer_bytes=70 * MIB)


def test_the_heap_holds_every_waiting_request_and_the_answers() -> None:
    jvm = size_jvm([TRAFFIC], cores=2, vmargs=())
    assert jvm.heap_bytes > (192 + 70) * MIB
    assert jvm.direct_bytes > (192 + 2 * 70) * MIB
    assert f"-Xmx{jvm.heap_bytes // MIB}m" in jvm.options(())


def test_small_requests_need_little() -> None:
    small = replace(TRAFFIC, request_bytes=1024, batch_request_bytes=64 * 1024, batch_answer_bytes=0)
    assert size_jvm([small], cores=2, vmargs=()).heap_bytes == MIN_HEAP_BYTES


def test_more_models_and_workers_need_more() -> None:
    one = size_jvm([TRAFFIC], cores=2, vmargs=())
    two_workers = size_jvm([replace(TRAFFIC, requests=256, workers=2)], cores=2, vmargs=())
    two_models = size_jvm([TRAFFIC, TRAFFIC], cores=2, vmargs=())
    assert one.total_bytes < two_workers.total_bytes < two_models.total_bytes


@pytest.mark.parametrize(("cores", "threads"), [(1, 2), (2, 2), (8, 8)])
def test_threads_are_the_cores_but_two_at_least(cores: int, threads: int) -> None:
    jvm = size_jvm([TRAFFIC], cores=cores, vmargs=())
    assert jvm.threads == threads
    assert jvm.options(())[-1].endswith(f"parallelism={threads}")


@pytest.mark.parametrize(
    ("vmargs", "heap_mib"), [(("-Xmx1g",), 1024), (("-Xmx1g", "-Xmx700M"), 700), (("-Xmx1048576k",), 1024)]
)
def test_the_users_heap_wins_and_is_counted(vmargs: tuple[str, ...], heap_mib: int) -> None:
    jvm = size_jvm([TRAFFIC], cores=2, vmargs=vmargs)
    assert jvm.heap_bytes == heap_mib * MIB
    assert [option for option in jvm.options(vmargs) if option.startswith("-Xmx")] == list(vmargs)


@pytest.mark.parametrize("option", ["-XX:MaxRAMPercentage=25", "-XX:MaxHeapSize=1g"])
def test_other_words_for_the_heap_are_a_mistake(option: str) -> None:
    with pytest.raises(UsageError, match="-Xmx"):
        size_jvm([TRAFFIC], cores=2, vmargs=(option,))


def test_the_users_direct_memory_and_parallelism_win() -> None:
    vmargs = ("-XX:MaxDirectMemorySize=900m", "-Djava.util.concurrent.ForkJoinPool.common.parallelism=7")
    jvm = size_jvm([TRAFFIC], cores=2, vmargs=vmargs)
    assert jvm.direct_bytes == 900 * MIB
    assert sum(option.startswith(("-XX:MaxDirect", "-Djava")) for option in jvm.options(vmargs)) == 2


def test_java_ends_when_its_heap_is_full_unless_the_user_says_that_it_shall_go_on() -> None:
    jvm = size_jvm([TRAFFIC], cores=2, vmargs=())
    assert "-XX:+ExitOnOutOfMemoryError" in jvm.options(())
    assert "-XX:+ExitOnOutOfMemoryError" not in jvm.options(("-XX:-ExitOnOutOfMemoryError",))
