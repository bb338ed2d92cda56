"""Imports what a worker imports, once, while java starts; then forks a worker for each `berth-python` that asks.

`python -P -m berth.workers.fork_server SOCKET`: the imports take two seconds of a core and 210 MB, which all workers
share. Whoever asked and is gone takes the fork along (fork_protocol.py says how they talk). Nothing is computed here: a
fork has no threads but its own.
"""

import os
import runpy
import selectors
import signal
import socket
import struct
import sys
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from ..console import say
from .fork_protocol import STREAMS, Work, close_files, receive_work, send_number

PATIENCE = struct.pack("ll", 5, 0)  # seconds and microseconds for all of a Work: everybody else waits


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A fork and who asked for it."""

    pid: int
    ended: int
    """A file descriptor that becomes readable at the fork's end."""
    asker: socket.socket

    def kill(self) -> None:
        """Because the asker is gone."""
        os.kill(self.pid, signal.SIGKILL)  # the number is its own until it is waited for

    def report(self) -> None:
        """To the asker, that it has ended and how."""
        _, status = os.waitpid(self.pid, 0)
        with suppress(OSError):
            send_number(self.asker, os.waitstatus_to_exitcode(status))

    def close(self) -> None:
        """The files; the fork goes on."""
        os.close(self.ended)
        self.asker.close()


class ForkServer:
    """One thread, no queue: a fork is there within milliseconds."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._workers: set[Worker] = set()

    def serve(self) -> Work:
        """Does not return but in a fork, with what it is to run."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    if work := self._answer():
                        return work
                elif key.data not in self._workers:
                    pass  # it ended in this very moment
                elif key.fileobj is key.data.asker:
                    self._selector.unregister(key.fileobj)
                    key.data.kill()
                else:
                    self._forget(key.data)

    def _answer(self) -> Work | None:
        """The work of who asks, in its fork; None in the server."""
        asked = self._accept()
        if asked is None:
            return None
        work, asker = asked
        pid = self._fork(asker)
        if pid == 0:
            asker.close()
            self._close()
            return work
        close_files(work.files)
        if pid is None:
            asker.close()
        return None

    def _accept(self) -> tuple[Work, socket.socket] | None:
        try:
            asker, _ = self._listener.accept()
        except OSError:  # it asks no more
            return None
        try:
            asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, PATIENCE)
            return receive_work(asker), asker
        except (OSError, EOFError, ValueError):
            asker.close()
            return None

    def _fork(self, asker: socket.socket) -> int | None:
        """0 in the fork and its pid in the server, as os.fork has it; None where there is none."""
        pid = 0
        try:
            pid = os.fork()
            if pid:
                self._watch(Worker(pid, os.pidfd_open(pid), asker))
        except OSError as error:
            say(f"a worker could not be forked: {error}")
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            return None
        if pid:
            with suppress(OSError):
                send_number(asker, pid)
        return pid

    def _watch(self, worker: Worker) -> None:
        self._workers.add(worker)
        for file in (worker.asker, worker.ended):
            self._selector.register(file, selectors.EVENT_READ, worker)

    def _forget(self, worker: Worker) -> None:
        worker.report()
        self._workers.remove(worker)
        self._selector.unregister(worker.ended)
        with suppress(KeyError):
            self._selector.unregister(worker.asker)
        worker.close()

    def _close(self) -> None:
        """In a fork: what belongs to the server and to other workers."""
        self._selector.close()
        self._listener.close()
        for worker in self._workers:
            worker.close()


def preload() -> None:
    """All that an archive's handler imports, by berth's own, which is then forgotten: the archive brings another."""
    import ts.model_service_worker  # noqa: F401, PLC0415

    from handler.worker.startup import quick_imports  # noqa: PLC0415

    with quick_imports():
        import torch.fx.experimental.symbolic_shapes  # noqa: F401, PLC0415 - torch's part for tensors without memory
        from transformers import BertModel  # noqa: F401, PLC0415 - transformers imports a model's file when it is asked

        import handler.choose_engine  # noqa: F401, PLC0415
    for name in [name for name in sys.modules if name.split(".")[0] == "handler"]:
        del sys.modules[name]


def run(work: Work) -> None:
    """As `python SCRIPT ARGUMENTS` would, in a fork."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text("berth-worker")  # for `top`
    for file, stream in zip(work.files, STREAMS, strict=True):
        os.dup2(file, stream)
        os.close(file)
    os.environ.clear()
    os.environ.update(work.environment)
    os.chdir(work.folder)
    script = work.arguments[0]
    paths = work.environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [str(Path(script).parent), *filter(None, paths)]
    sys.argv = list(work.arguments)
    runpy.run_path(script, run_name="__main__")


def main() -> None:
    """The socket is there at once; who asks while the imports go on waits."""
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        preload()
        work = ForkServer(listener).serve()
    run(work)


if __name__ == "__main__":
    main()
