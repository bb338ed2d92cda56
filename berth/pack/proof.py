"""The proof that an unpacked archive serves: a clean process, berth/pack/prove.py, loads it and asks it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..machine.limits import granted_cores
from ..workers.environment import OPENMP_ENVIRONMENT, worker_environment
from ..workers.starting import starting

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
    with starting("the process that proves the archive"):
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "berth.pack.prove"],
            cwd=folder,
            env=_environment(),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An archive's results for some inputs, in order."""

    results: list[Any]
    seconds: float
    """Of all inputs in one request."""


def ask_archive(folder: Path, inputs: Sequence[object], parameters: Mapping[str, object]) -> Asked:
    """Ask an unpacked archive in a clean process; Refused, with the end of its stderr, unless all are answered."""
    question = {"folder": str(folder.absolute()), "inputs": list(inputs), "parameters": dict(parameters)}
    command = [sys.executable, "-P", "-m", "berth.pack.precision.answers"]
    try:
        with starting("the process that asks the archive"):
            done = subprocess.run(
                command,
                cwd=folder,
                env=_environment(),
                input=json.dumps(question),
                capture_output=True,
                text=True,
                timeout=PROOF_TIMEOUT_S,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise Refused(f"the archive did not answer {len(inputs)} inputs within {PROOF_TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise Refused(f"the archive does not answer all golden inputs: {_tail(done.stderr)}")
    return Asked(**json.loads(done.stdout.splitlines()[-1]))


def _environment() -> dict[str, str]:
    return worker_environment(os.environ) | PROOF_ENVIRONMENT | {"BERTH_CORES": str(granted_cores())}


def _tail(stderr: str) -> str:
    """The end of a process's words; of a traceback only what was wrong, in one line."""
    said, traceback, last = stderr.rstrip().rpartition("Traceback (most recent call last):\n")
    if not traceback:
        return "\n".join(last.splitlines()[-NUM_STDERR_LINES:])
    words = list(dropwhile(lambda line: line.startswith(" "), last.splitlines()))
    return " ".join(words) or said.strip()
