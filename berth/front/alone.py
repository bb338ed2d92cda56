"""The page where there is no front: the gateway's HTTP on a port of loopback, which passes calls on to TorchServe."""

import contextlib
import http.client
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..archive.served_model import ServedModel
from ..archive.versions import versions_by_name
from ..console import say
from ..endpoint import Endpoint
from ..gateway.settings import GatewaySettings
from ..process.kept import KeptProcess
from ..settings import Settings
from .plan import LOOPBACK, unused_ports

LIVE_S = 3.0
GRACE_S = 5.0


@contextlib.contextmanager
def running_page(
    settings: Settings,
    models: Sequence[ServedModel],
    health: Endpoint,
    folder: Path,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[KeptProcess]:
    """Start it at any port that is free, and say where; the block need not wait for it, and looks after it."""
    with contextlib.closing(unused_ports({endpoint.port for endpoint in settings.endpoints})) as ports:
        address = f"{LOOPBACK}:{next(ports)}"
    page = KeptProcess(
        name="the page",
        command=_settings(settings, models, health, address).command,
        folder=folder,
        environment=environ,
        is_serving=lambda: _is_live(address),
    )
    with page.running():
        say(f"a page to try the models: http://{address}/ui")
        yield page


def _settings(settings: Settings, models: Sequence[ServedModel], health: Endpoint, address: str) -> GatewaySettings:
    return GatewaySettings(
        http=address,
        grpc=None,
        server=settings.inference.url,
        health=health.url,
        management=settings.management.url,
        metrics=settings.metrics.url,
        models=versions_by_name(models),
        contents={model.path: model.content_id for model in models},
        max_request_bytes=settings.max_request_bytes,
        grace_s=GRACE_S,
    )


def _is_live(address: str) -> bool:
    try:
        with contextlib.closing(http.client.HTTPConnection(address, timeout=LIVE_S)) as connection:
            connection.request("GET", "/v2/health/live")
            return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
