"""A real server with keys, TLS and CORS, started once."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.tune.ports import free_ports
from tests.support import servers
from tests.support.front.certificates import Certificate, make_certificate
from tests.support.servers import Server

KEY = "open-sesame"
ORIGIN = "https://app.example"


@dataclass(frozen=True, kw_only=True)
class Locked:
    """The server, and what opens it."""

    server: Server
    keys: Path
    """A symbolic link in a folder, as Kubernetes mounts a Secret."""
    certificate: Certificate

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.ports['inference']}"

    @property
    def access(self) -> dict[str, str]:
        """The environment of clients."""
        return {
            "BERTH_URL": self.url,
            "BERTH_API_KEY": KEY,
            "REQUESTS_CA_BUNDLE": str(self.certificate.certificate),
            "BERTH_HEALTH_ADDRESS": self.server.health_url.removeprefix("http://"),
        }


def mount(folder: Path, version: str, text: str) -> None:
    """Put a file there as Kubernetes does: a folder of its own, and a link that is swapped."""
    (folder / version).mkdir()
    (folder / version / "keys").write_text(text)
    (folder / "..new").symlink_to(version)
    (folder / "..new").rename(folder / "..data")


@pytest.fixture(scope="package")
def locked(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """A classifier `tiny`, the keys of ada and bob, and pages of ORIGIN."""
    if not shutil.which("haproxy"):
        pytest.skip("haproxy is not installed")
    folder = tmp_path_factory.mktemp("locked")
    archive = pack_checkpoint(tiny, PackOptions(output=folder)).archive
    mount(folder, "..first", f"ada {KEY}\nbob bobs-first-key\n")
    (folder / "keys").symlink_to("..data/keys")
    certificate, ports = make_certificate(folder), free_ports()
    environment = {
        "BERTH_API_KEYS_FILE": str(folder / "keys"),
        "TS_INFERENCE_ADDRESS": f"https://127.0.0.1:{ports['inference']}",
        "TS_CERTIFICATE_FILE": str(certificate.certificate),
        "TS_PRIVATE_KEY_FILE": str(certificate.key),
        "TS_CORS_ALLOWED_ORIGIN": ORIGIN,
    }
    with ExitStack() as held:
        with mock.patch.object(servers, "free_ports", return_value=ports):
            server = held.enter_context(servers.running_server([archive], environment))
        yield Locked(server=server, keys=folder / "keys", certificate=certificate)
