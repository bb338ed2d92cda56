"""Keys and certificates change while clients ask: nobody loses a request."""

import ssl
import threading
from contextlib import closing
from pathlib import Path

import pytest

from berth.front.keys import KeySource
from berth.wait import wait_until
from tests.support.front.certificates import make_certificate
from tests.support.front.fronted import HAPROXY, START_S, Fronted, ask, fronted

ROUNDS = 20
CLIENTS = 4

pytestmark = pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed")


class Load:
    """Clients that ask without a pause, each on a connection that stays open, and what they were answered."""

    def __init__(self, server: Fronted, ca: Path | None = None) -> None:
        self._server, self._ca = server, ca
        self._stop = threading.Event()
        self.statuses: list[int] = []
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(CLIENTS)]

    def _ask_on(self) -> None:
        with closing(self._server.connect(ca=self._ca)) as connection:
            while not self._stop.is_set():
                self.statuses.append(ask(connection, key="kept")[0])

    def wait_for(self, number: int) -> None:
        """Until so many were answered."""
        assert wait_until(lambda: len(self.statuses) >= number, START_S), self.statuses

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_keys_are_rotated_without_a_lost_request(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    others = "".join(f"other-{number} other-key-{number}\n" for number in range(300))
    file.write_text("ada kept\nbob round-0\n")
    with fronted(KeySource(file=file, text="")) as server, Load(server) as load:
        for number in range(1, ROUNDS + 1):
            file.write_text(f"{others}ada kept\nbob round-{number}\n")
            server.front.look()
            assert (server.ask(key=f"round-{number}")[0], server.ask(key=f"round-{number - 1}")[0]) == (200, 401)
            load.wait_for(CLIENTS * number)
        file.write_text("ada\n")
        server.front.look()
        server.front.look()
        assert server.ask(key="kept")[0] == 200
    assert set(load.statuses) == {200}
    assert capfd.readouterr().err.count("the API keys stay as they were") == 1


def test_keys_survive_the_death_of_haproxy(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("ada kept\n")
    with fronted(KeySource(file=file, text="")) as server:
        file.write_text("ada kept\nbob new\n")
        server.front.look()
        server.front.haproxy.start()
        server.require_ready()
        assert [server.ask(key=key)[0] for key in ("kept", "new", "old")] == [200, 200, 401]


def shows(server: Fronted, certificate: Path, ca: Path) -> bool:
    """Whether a new client is shown this certificate."""
    with closing(server.connect(ca=ca)) as connection:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        return connection.sock.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(certificate.read_text())


def test_certificates_are_reloaded_without_a_lost_connection(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = make_certificate(tmp_path, "first"), make_certificate(tmp_path, "second")
    both = tmp_path / "both.crt"
    both.write_text(first.certificate.read_text() + second.certificate.read_text())
    used = make_certificate(tmp_path, "used")
    environ = {"TS_CERTIFICATE_FILE": str(used.certificate), "TS_PRIVATE_KEY_FILE": str(used.key)}

    def use(certificate: Path, key: Path) -> None:
        used.certificate.write_bytes(certificate.read_bytes())
        used.key.write_bytes(key.read_bytes())

    use(first.certificate, first.key)
    with fronted(environ=environ, tls=True) as server, Load(server, both) as load:
        load.wait_for(CLIENTS)
        for chosen in [second, first] * (ROUNDS // 2):
            use(chosen.certificate, chosen.key)
            server.front.look()
            assert shows(server, chosen.certificate, both)
        use(second.certificate, first.key)
        server.front.look()
        assert shows(server, first.certificate, both)
    assert set(load.statuses) == {200}
    assert "the certificate and its key stay as they were: " in capfd.readouterr().err
