"""The other proxy that Debian has, doing the least of the front's work: it passes requests on over kept sockets."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from berth.tune.ports import free_port
from berth.wait import wait_until

START_S = 10.0
CONFIG = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    upstream torchserve {{ server {behind}; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://torchserve;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


@contextlib.contextmanager
def started_nginx(behind: str, folder: Path) -> Iterator[tuple[str, psutil.Process] | None]:
    """Start one before HOST:PORT and yield its own HOST:PORT and process; None where nginx is not installed."""
    executable = shutil.which("nginx")
    if executable is None:
        yield None
        return
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, behind=behind, port=port), encoding="utf-8")
    with subprocess.Popen([executable, "-c", str(config)]) as process:
        try:
            assert wait_until(lambda: _accepts(port), START_S), "nginx does not accept connections"
            yield f"127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.terminate()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
