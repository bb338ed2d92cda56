"""`python -P -m berth.bulk.worker FD`: a worker process. It ends when the command that started it does.

It reads claims ahead on a thread of its own, so that the next is there when a part is done.
"""

import importlib.metadata
import os
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from ...errors import BerthError
from ..messages import Failed, Ready, Setup, ToWorker, Work, encode, read_to_worker
from .loading import load_engine

PACKAGES = ("berth", "torch", "transformers", "tokenizers", "numpy", "pyarrow")


def main() -> None:
    """Load, answer what comes, end with the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which closes the pipe
    pipe = Connection(int(sys.argv[1]))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    waiting: queue.Queue[ToWorker] = queue.Queue()
    threading.Thread(target=_receive, args=(pipe, waiting), daemon=True).start()
    setup = waiting.get()
    assert isinstance(setup, Setup)
    try:
        engine = load_engine(setup)
        pipe.send_bytes(encode(_describe(engine, ("berth", "pyarrow") if setup.server else PACKAGES)))
        _answer(pipe, waiting, engine, setup)
    except Exception as error:  # noqa: BLE001 - it is told to whoever started this
        pipe.send_bytes(encode(_explain(error)))


def _receive(pipe: Connection, waiting: "queue.Queue[ToWorker]") -> None:
    """Hand on what comes; without the command there is nobody to work for, and a draft is left unfinished."""
    try:
        while True:
            waiting.put(read_to_worker(pipe.recv_bytes()))
    except (EOFError, OSError):
        os._exit(0)


def _describe(engine: Any, packages: Sequence[str]) -> Ready:
    return Ready(
        engine=engine.describe(),
        versions={name: importlib.metadata.version(name) for name in packages},
        keys=list(engine.contract.keys),
        wanted=engine.contract.describe_input(),
        takes_string=engine.contract.takes_string,
    )


def _answer(pipe: Connection, waiting: "queue.Queue[ToWorker]", engine: Any, setup: Setup) -> None:
    from .answering import Answering  # noqa: PLC0415 - pyarrow, after torch's own libraries
    from .auditing import Auditing  # noqa: PLC0415

    answering = Auditing(engine) if setup.reads_only else Answering(engine, setup)
    while True:
        work = waiting.get()
        assert isinstance(work, Work)
        pipe.send_bytes(encode(answering.answer(work)))


def _explain(error: Exception) -> Failed:
    """A sentence for what people can change, and the whole way to what they cannot."""
    if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("handler."):
        return Failed(
            message="the archive was packed by an earlier berth, whose engine reads no files: pack it again",
            exit_code=4,
        )
    if isinstance(error, BerthError):
        return Failed(message=str(error), exit_code=error.exit_code)
    kinds = {each.__name__ for each in type(error).__mro__}
    if "LoadError" in kinds:
        return Failed(message=str(error), exit_code=4)
    if "RequestError" in kinds:
        return Failed(message=f"--parameters: {error}", exit_code=2)
    if isinstance(error, OSError) and error.filename:
        return Failed(
            message=f"{error.filename} cannot be written: {error.strerror}; what is done is kept: make room, or set "
            "its rights, and run the same command again"
        )
    sys.excepthook(type(error), error, error.__traceback__)
    return Failed(message=f"a worker failed: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
