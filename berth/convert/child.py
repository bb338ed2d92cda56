"""Starts a conversion in a process of its own, berth/convert/isolated.py, and waits for its note."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import Refused
from ..workers.environment import OPENMP_ENVIRONMENT, worker_environment
from ..workers.starting import starting

TIMEOUT_S = 3600
BYTES_OF_LIBRARIES = 4 << 30  # what torch and peft take without a model is a tenth of it; CUDA's libraries more
BYTES_PER_BYTE = 6  # fp16 read, fp32 made of it, merged, and written
MIB = 1 << 20


def run_isolated(name: str, job: Mapping[str, object], folder: Path, size_bytes: int) -> str:
    """The note of `berth.convert.NAME` on weights of `size_bytes` in `folder`; Refused with its sentence."""
    max_bytes = BYTES_OF_LIBRARIES + BYTES_PER_BYTE * size_bytes
    with starting("the process that converts the weights"):
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.isolated", name],
            cwd=folder,
            env={**OPENMP_ENVIRONMENT, **worker_environment(os.environ)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        try:
            note, stderr = process.communicate(json.dumps({**job, "max_bytes": max_bytes}), TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise Refused(f"the weights in {folder} were not converted within {TIMEOUT_S} s") from error
        finally:
            process.kill()
    if process.returncode == Refused.exit_code:
        raise Refused(note)
    if process.returncode:
        raise Refused(
            f"the weights in {folder} could not be converted: {_reason(process.returncode, stderr, max_bytes)}"
        )
    return note


def _reason(code: int, stderr: str, max_bytes: int) -> str:
    """Why the process ended without a sentence of its own."""
    if code < 0:
        return f"it was ended by signal {-code}; it may take {max_bytes // MIB} MiB of memory"
    return next(iter(stderr.rstrip().splitlines()[-1:]), f"exit code {code}")
