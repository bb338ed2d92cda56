"""The proof that an unpacked archive serves: a clean process, berth/pack/prove.py, loads it and asks it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import dropwhile
from pathlib import Path

from ..errors import Refused
from ..machine.limits import granted_cores
from ..workers.environment import OPENMP_ENVIRONMENT, worker_environment

PROOF_TIMEOUT_S = 600  # TorchServe gives a worker at most this long, and a large model on a slow disk needs minutes
NUM_STDERR_LINES = 15
# Every machine has a CPU, and the worker tests itself again on the device that it gets. The user's own choice of how
# OpenMP's threads wait does not hold here: ones that spin take seconds for a few texts beside a busy neighbour.
PROOF_ENVIRONMENT = {**OPENMP_ENVIRONMENT, "BERTH_DEVICE": "cpu"}


@contextmanager
def started_proof(folder: Path) -> Iterator[Callable[[Path], str]]:
    """A clean process that gets ready in `folder`, an empty one, and the function that lets it prove an archive.

    The function takes the folder of an unpacked archive and returns the name of the engine that answered; it raises
    Refused, with the end of the process's stderr, unless one does. The process ends with the context, proven or not.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "berth.pack.prove"],
        cwd=folder,
        env=worker_environment(os.environ) | PROOF_ENVIRONMENT | {"BERTH_CORES": str(granted_cores())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield partial(_prove, process)
        finally:
            process.kill()


def _prove(process: subprocess.Popen[str], archive_folder: Path) -> str:
    """Tell the process where the archive lies; Refused unless it then ends well, with the engine's name last."""
    try:
        stdout, stderr = process.communicate(f"{archive_folder.absolute()}\n", PROOF_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"the archive did not load within {PROOF_TIMEOUT_S} s, so it was not kept") from error
    if process.returncode != 0:
        raise Refused(f"the archive does not serve, so it was not kept: {_tail(stderr)}")
    return stdout.split()[-1]


def _tail(stderr: str) -> str:
    """The end of a process's words; of a traceback only what was wrong, in one line."""
    said, traceback, last = stderr.rstrip().rpartition("Traceback (most recent call last):\n")
    if not traceback:
        return "\n".join(last.splitlines()[-NUM_STDERR_LINES:])
    words = list(dropwhile(lambda line: line.startswith(" "), last.splitlines()))
    return " ".join(words) or said.strip()
