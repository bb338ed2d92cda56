"""Imports what a worker imports, once, while java starts; then forks a worker for each `berth-python` that asks.

`python -P -m berth.workers.fork_server SOCKET`: the imports take two seconds of a core and 210 MB, which all workers
share. When an asker is gone, its fork is killed (fork_protocol.py says how they talk). A fork may ask for another in
its place (renewal.py). Nothing is computed here, so that no thread is lost in a fork.
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
from .fork_protocol import GRANTED, RENEWED, STREAMS, Work, close_files, receive_work, send_number
from .renewal import renew_when_too_large

# Seconds and microseconds in which a Work must arrive: everybody else waits meanwhile.
RECEIVE_TIMEOUT = struct.pack("ll", 5, 0)
CREDENTIALS = struct.Struct("3i")  # pid, user, group: SO_PEERCRED of unix(7)


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A fork and who asked for it."""

    pid: int
    ended: int
    """A file descriptor that becomes readable when the fork ends."""
    asker: socket.socket

    def kill(self) -> None:
        """Kill the fork, because its asker is gone."""
        os.kill(self.pid, signal.SIGKILL)  # its number is not given away before it is waited for

    def wait(self) -> int:
        """How the fork ended: its exit code, or the negative number of a signal."""
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Close the files; the fork itself goes on."""
        os.close(self.ended)
        self.asker.close()


class ForkServer:
    """Forks workers on request, in one thread and without a queue: a fork takes milliseconds."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._workers: set[Worker] = set()
        self._renewals: dict[Worker, Work] = {}
        """What takes the place of a worker once that has ended."""

    def serve(self) -> Work:
        """Answer until the process ends; returns in forks only, with the work that each is to run."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    if work := self._answer():
                        return work
                elif key.data not in self._workers:
                    pass  # it ended a moment ago
                elif key.fileobj is key.data.asker:
                    self._selector.unregister(key.fileobj)
                    self._drop_renewal(key.data)
                    key.data.kill()
                elif work := self._note_end(key.data):
                    return work

    def _answer(self) -> Work | None:
        """Fork for whoever asks: the work in the fork, None in the server."""
        asked = self._accept()
        if asked is None:
            return None
        work, asker = asked
        if work.load is not None:
            self._grant(work, asker)
            return None
        return self._start(work, asker)

    def _start(self, work: Work, asker: socket.socket) -> Work | None:
        """Fork for an asker: the work in the fork, None in the server."""
        pid = self._fork(asker)
        if pid == 0:
            asker.close()
            self._close()
            return work
        close_files(work.files)
        if pid is None:
            asker.close()
        return None

    def _grant(self, work: Work, asker: socket.socket) -> None:
        """Note what is to take the place of the worker that asks, and let it end."""
        with closing(asker):
            pid, _, _ = CREDENTIALS.unpack(asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
            worker = next((each for each in self._workers if each.pid == pid), None)
            if worker is None:
                close_files(work.files)
                return
            self._drop_renewal(worker)
            self._renewals[worker] = work
            with suppress(OSError):  # it has ended meanwhile
                send_number(asker, GRANTED)

    def _drop_renewal(self, worker: Worker) -> None:
        if work := self._renewals.pop(worker, None):
            close_files(work.files)

    def _accept(self) -> tuple[Work, socket.socket] | None:
        try:
            asker, _ = self._listener.accept()
        except OSError:  # the asker is gone
            return None
        try:
            asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, RECEIVE_TIMEOUT)
            return receive_work(asker), asker
        except (OSError, EOFError, ValueError):
            asker.close()
            return None

    def _fork(self, asker: socket.socket) -> int | None:
        """Fork: 0 in the fork and its pid in the server, as from os.fork; None if there is no fork."""
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

    def _note_end(self, worker: Worker) -> Work | None:
        """Tell the asker how its fork ended, or fork what takes its place; returns as _start does."""
        code = worker.wait()
        self._workers.remove(worker)
        self._selector.unregister(worker.ended)
        with suppress(KeyError):
            self._selector.unregister(worker.asker)
        renewal = self._renewals.pop(worker, None)
        with suppress(OSError):
            send_number(worker.asker, code if renewal is None else RENEWED)
        if renewal is None:
            worker.close()
            return None
        os.close(worker.ended)
        return self._start(renewal, worker.asker)

    def _close(self) -> None:
        """Close, in a fork, what belongs to the server and to other workers."""
        self._selector.close()
        self._listener.close()
        for worker in self._workers:
            worker.close()
        for renewal in self._renewals.values():
            close_files(renewal.files)


def preload() -> None:
    """Import all that an archive's handler does, by importing berth's own and forgetting it again."""
    from handler.worker.startup import quick_imports  # noqa: PLC0415

    with quick_imports():
        import torch.fx.experimental.symbolic_shapes  # noqa: F401, PLC0415 - torch's part for tensors without memory
        import ts.model_service_worker  # noqa: F401, PLC0415
        from transformers import BertModel  # noqa: F401, PLC0415 - transformers imports a model's file when it is asked

        import handler.choose_engine  # noqa: F401, PLC0415
    for name in [name for name in sys.modules if name.split(".")[0] == "handler"]:
        del sys.modules[name]


def run(work: Work) -> None:
    """Become, in a fork, what `python SCRIPT ARGUMENTS` would be."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text("berth-worker")  # for `top`
    streams = work.files[: len(STREAMS)]
    for file, stream in zip(streams, STREAMS, strict=True):
        os.dup2(file, stream)
    close_files(streams)
    os.environ.clear()
    os.environ.update(work.environment)
    os.chdir(work.folder)
    script = work.arguments[0]
    paths = work.environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [str(Path(script).parent), *filter(None, paths)]
    sys.argv = list(work.arguments)
    renew_when_too_large(work)
    runpy.run_path(script, run_name="__main__")


def main() -> None:
    """Serve on the socket, which is there at once; whoever asks before the imports are done waits."""
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        preload()
        work = ForkServer(listener).serve()
    run(work)


if __name__ == "__main__":
    main()
