"""How much memory TorchServe's java may take, and the options that tell it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..machine.quantities import KIB, MIB

# Measured with Java 25 and TorchServe 0.12 (`python -m tests.drills memory`): live objects without a request, the young
# generation, and what lies neither in the heap nor in direct buffers (classes, machine code, the compiler, threads).
BASE_BYTES = 24 * MIB
YOUNG_BYTES = 32 * MIB
OUTSIDE_BYTES = 100 * MIB
SMALL_BYTES = 16 * MIB  # of direct buffers, for headers and what is small
COPYING = 1.15  # large arrays need room beside each other while the old generation is collected
MIN_HEAP_BYTES = 96 * MIB
OTHER_HEAP_OPTIONS = ("-XX:MaxRAM", "-XX:MinRAM", "-XX:InitialRAM", "-XX:MaxHeapSize")
_SIZE = re.compile(r"(\d+)([kKmMgG]?)")
_UNITS = {"": 1, "k": KIB, "m": MIB, "g": 1024 * MIB}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is in java's hands when one model's queue is full and all its workers are at work."""

    requests: int
    """Requests that wait and requests in batches, together."""
    request_bytes: int
    workers: int
    batch_request_bytes: int
    """Bytes of all bodies of one batch."""
    batch_answer_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Jvm:
    """The sizes of one java."""

    heap_bytes: int
    direct_bytes: int
    """Netty's buffers: what comes in, and batches on their way to a worker and back."""
    threads: int

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole process."""
        return self.heap_bytes + self.direct_bytes + OUTSIDE_BYTES

    def options(self, vmargs: Sequence[str]) -> tuple[str, ...]:
        """Options for the command line: the user's own, and berth's for what they leave open."""
        ours = {
            "-Xms": f"-Xms{min(self.heap_bytes, 64 * MIB) // MIB}m",
            "-Xmn": f"-Xmn{YOUNG_BYTES // MIB}m",
            "-Xmx": f"-Xmx{self.heap_bytes // MIB}m",
            "-XX:MaxDirectMemorySize=": f"-XX:MaxDirectMemorySize={self.direct_bytes // MIB}m",
            "-XX:ReservedCodeCacheSize=": "-XX:ReservedCodeCacheSize=64m",
            "-XX:-ExitOnOutOfMemoryError": "-XX:+ExitOnOutOfMemoryError",  # which thread it hits, nobody knows
            "-Djava.util.concurrent.ForkJoinPool.common.parallelism=": (
                f"-Djava.util.concurrent.ForkJoinPool.common.parallelism={self.threads}"
            ),
        }
        return (*vmargs, *(option for key, option in ours.items() if not any(arg.startswith(key) for arg in vmargs)))


def size_jvm(traffic: Sequence[Traffic], *, cores: int, vmargs: Sequence[str]) -> Jvm:
    """Size one java for all models; sizes in the user's vmargs are taken as they are.

    The heap holds the body of every request that waits or runs. They come in through direct buffers, in the worst case
    all at once. A batch leaves as one message, and its answers come back as one, which then stay in the heap until they
    are sent; each thread has one in hand, in a buffer that is copied as it grows.
    """
    if others := [argument for argument in vmargs if argument.startswith(OTHER_HEAP_OPTIONS)]:
        raise UsageError(
            f"vmargs has {others[0]}: memory is counted in bytes, so give the heap as -Xmx, or leave it out"
        )
    threads = max(2, cores)
    bodies = sum(each.requests * each.request_bytes for each in traffic)
    running = [each for each in traffic for _ in range(each.workers)]
    answers = _largest([each.batch_answer_bytes for each in running], threads)
    messages = _largest([max(each.batch_request_bytes, each.batch_answer_bytes) for each in running], threads)
    heap = max(MIN_HEAP_BYTES, int(YOUNG_BYTES + COPYING * (BASE_BYTES + bodies + sum(answers))))
    direct = SMALL_BYTES + bodies + sum(messages) + max(messages, default=0)
    return Jvm(
        heap_bytes=_given("-Xmx", vmargs) or _round_up(heap),
        direct_bytes=_given("-XX:MaxDirectMemorySize=", vmargs) or _round_up(direct),
        threads=threads,
    )


def _given(option: str, vmargs: Sequence[str]) -> int | None:
    """Bytes that the user's vmargs give an option, None where they do not; the last one wins, as in java."""
    for argument in reversed(vmargs):
        match = _SIZE.fullmatch(argument.removeprefix(option)) if argument.startswith(option) else None
        if match:
            return int(match[1]) * _UNITS[match[2].lower()]
    return None


def _largest(amounts: Sequence[int], number: int) -> list[int]:
    return sorted(amounts, reverse=True)[:number]


def _round_up(amount: int) -> int:
    return -(-amount // (8 * MIB)) * 8 * MIB
