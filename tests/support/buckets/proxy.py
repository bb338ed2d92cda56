"""A proxy before a server of buckets, which breaks off in the middle of a request that a test names."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

RECEIVE_BYTES = 65536


class Proxy:
    """Forwards bytes; broken, it ends every connection at once."""

    def __init__(self, port: int) -> None:
        """`port`: the server's."""
        self._upstream = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._needle: bytes | None = None
        self._is_broken = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def break_in(self, needle: bytes) -> None:
        """Break where a request has these bytes, behind them, and stay so."""
        self._needle = needle

    def mend(self) -> None:
        """Forward all again."""
        self._needle, self._is_broken = None, False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(RECEIVE_BYTES):
                if self._needle and self._needle in content:
                    self._is_broken = True
                    target.sendall(content[: content.index(self._needle) + len(self._needle)])
                if self._is_broken:
                    break
                target.sendall(content)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
