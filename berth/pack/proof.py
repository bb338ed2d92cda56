"""The proof that an unpacked archive serves: TorchServe's own loader loads it in a clean process.

It must give all known answers, which a worker asks for in part only; then one request goes through the handler.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..archive.content import HANDLER, KNOWN_ANSWERS
from ..errors import Refused
from ..workers.environment import worker_environment

TIMEOUT_S = 600  # TorchServe gives a worker at most this long, and a large model on a slow disk needs minutes
NUM_STDERR_LINES = 15
PROOF_ENVIRONMENT = {
    "BERTH_DEVICE": "cpu",  # every machine has one, and the worker tests itself again on the device that it gets
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads take seconds for a few texts beside a busy neighbour
}
# Imports what a handler needs while the archive is still being written, then waits to be told where it lies.
PROGRAM = f"""
import json, os, sys
from pathlib import Path
from berth.workers.fork_server import preload
preload()
from ts.context import RequestProcessor
from ts.model_loader import ModelLoaderFactory
folder = Path(sys.stdin.readline().removesuffix("\\n"))
os.chdir(folder)
service = ModelLoaderFactory.get_model_loader().load("proof", str(folder), "{HANDLER}", None, 1)
import handler
source = Path(handler.__file__).resolve()
if not source.is_relative_to(folder.resolve()):
    sys.exit(f"the handler was imported from {{source}}, not from the archive")
service._entry_point.__self__.prove()
known = json.loads((folder / "{KNOWN_ANSWERS}").read_text("utf-8"))
context = service.context
context.request_ids = {{0: "proof"}}
context.request_processor = [RequestProcessor({{"content-type": "application/json"}})]
body = json.dumps({{"inputs": known["inputs"][0], "parameters": known["parameters"]}}).encode()
answers = service._entry_point([{{"body": body}}], context)
status = context.get_response_status(0)[0]
if len(answers) != 1 or status != 200:
    sys.exit(f"status {{status}}: {{answers}}")
"""


@contextmanager
def started_proof(folder: Path) -> Iterator[Callable[[Path], None]]:
    """A clean process that gets ready in `folder`, an empty one, and the function that lets it prove an archive.

    The function takes the folder of an unpacked archive; it raises Refused, with the end of the process's stderr,
    unless the archive answers. The process ends with the context, proven or not.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=worker_environment(os.environ) | PROOF_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield partial(_prove, process)
        finally:
            process.kill()


def _prove(process: subprocess.Popen[str], archive_folder: Path) -> None:
    try:
        _, stderr = process.communicate(f"{archive_folder.absolute()}\n", TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"the archive did not load within {TIMEOUT_S} s, so it was not kept") from error
    if process.returncode != 0:
        raise Refused(f"the archive does not serve, so it was not kept:\n{_tail(stderr)}")


def _tail(stderr: str) -> str:
    return "\n".join(stderr.rstrip().splitlines()[-NUM_STDERR_LINES:])
