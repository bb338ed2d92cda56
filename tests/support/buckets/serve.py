"""`python -m tests.support.buckets.serve s3|gs`: says its port, and serves buckets of this machine until it is ended.

A process of its own: pyarrow's clients hold Python's lock while they wait for an answer.
"""

import sys
import threading


def main() -> None:
    """Serve one kind."""
    port = {"s3": _serve_s3, "gs": _serve_gs}[sys.argv[1]]()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Event().wait()


def _serve_s3() -> int:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - an extra, and one of two

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    return int(port)


def _serve_gs() -> int:
    from gcp_storage_emulator.server import create_server  # noqa: PLC0415

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="box")
    server.start()
    return int(server._api._httpd.server_port)


if __name__ == "__main__":
    main()
