"""What is checked before Java starts: the archives and the ports."""

import contextlib
import json
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .errors import BerthError, Refused, UsageError
from .settings import Endpoint, variable
from .unpack import cache_folder, unpack_once


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A verified folder that TorchServe can load."""

    name: str
    version: str
    folder: Path

    def predictions_url(self, inference: Endpoint) -> str:
        """Where it is asked; without a body, for its known text."""
        return f"{inference.url}/predictions/{self.name}"


def prepare_models(archives: Sequence[Path]) -> tuple[ServedModel, ...]:
    """Every archive unpacked and what is served verified; Refused: one is missing, altered or named like another."""
    if not archives:
        raise UsageError("nothing to serve: name an archive, or set load_models in config.properties")
    cache = cache_folder()
    with ThreadPoolExecutor() as threads:
        folders = list(threads.map(partial(unpack_once, cache=cache), archives))
    models = tuple(read_model(folder.absolute()) for folder in folders)
    names = [model.name for model in models]
    for model, archive in zip(models, archives, strict=True):
        if names.count(model.name) > 1:
            raise Refused(f"{archive}: two archives are named {model.name!r}; pack one of them with another --name")
    return models


def read_model(folder: Path) -> ServedModel:
    """An unpacked archive's name and version, from its manifest."""
    if "," in str(folder):
        raise UsageError(f"{folder}: TorchServe separates models by commas; use a path without one")
    manifest = json.loads((folder / "MAR-INF" / "MANIFEST.json").read_text(encoding="utf-8"))["model"]
    return ServedModel(name=manifest["modelName"], version=manifest["modelVersion"], folder=folder)


def require_free_ports(endpoints: Sequence[Endpoint]) -> None:
    """BerthError for the first address that is taken. All are held together: two keys may share no port."""
    with contextlib.ExitStack() as held:
        for endpoint in endpoints:
            try:
                held.enter_context(_listen(endpoint))
            except OSError as error:
                value = "PORT" if endpoint.key.endswith("_port") else f"http://{endpoint.host}:PORT"
                raise BerthError(
                    f"cannot listen on {endpoint.host}:{endpoint.port} ({endpoint.key}): {error.strerror}; "
                    f"stop what listens there, or choose another port with {variable(endpoint.key)}={value}"
                ) from error


def _listen(endpoint: Endpoint) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: TIME_WAIT is no hindrance
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
