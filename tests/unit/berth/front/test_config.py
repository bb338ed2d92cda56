"""HAProxy's configuration: HAProxy itself takes every variant of it."""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from berth.archive.served_model import ServedModel
from berth.endpoint import Endpoint
from berth.errors import BerthError
from berth.front.admission import LONGEST_MS
from berth.front.config import CERTIFICATE, KEYS_MAP, render_config
from berth.front.keys import KeySource
from berth.front.plan import FrontPlan
from berth.front.tls import CertificatePair
from berth.settings import Settings
from tests.support.front.certificates import make_certificate

CONFIG = Path(__file__).parents[4] / "config.properties"
HAPROXY = shutil.which("haproxy") or ""
KEYS = KeySource(file=None, text="ada secret")
CORS = {"TS_CORS_ALLOWED_ORIGIN": "https://app.example, http://localhost:3000"}
TLS = {
    "TS_INFERENCE_ADDRESS": "https://0.0.0.0:8443",
    "TS_CERTIFICATE_FILE": "localhost.crt",
    "TS_PRIVATE_KEY_FILE": "localhost.key",
}

pytestmark = pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed")


def render(folder: Path, environ: dict[str, str], models: tuple[str, ...], keys: KeySource | None) -> str:
    plan = FrontPlan(
        executable=Path(HAPROXY),
        outside=Settings.load(CONFIG, environ),
        behind=Settings.load(CONFIG, {}),
        models=tuple(_model(name, folder) for name in models),
        max_requests=128,
        max_connections=1000,
        threads=2,
        health=Endpoint(key="health", host="127.0.0.1", port=8090),
        keys=keys,
    )
    return render_config(plan, folder)


def _model(name: str, folder: Path) -> ServedModel:
    name, _, version = name.partition("/")
    return ServedModel(name=name, version=version or "1.0", folder=folder)


@pytest.mark.parametrize("models", [("bert",), ("bert", "other-1.2_x")])
@pytest.mark.parametrize("keys", [None, KEYS], ids=["open", "keys"])
@pytest.mark.parametrize(
    "environ", [{}, TLS, CORS, {**TLS, **CORS}, {"TS_CORS_ALLOWED_ORIGIN": "*"}], ids=["", "tls", "cors", "both", "all"]
)
def test_haproxy_takes_it(
    tmp_path: Path, environ: dict[str, str], models: tuple[str, ...], keys: KeySource | None
) -> None:
    (tmp_path / KEYS_MAP).write_text(f"{'A' * 64} ada:5\n")
    if environ.get("TS_CERTIFICATE_FILE"):
        made = make_certificate(tmp_path)
        pair = CertificatePair(certificate=made.certificate, private_key=made.key)
        (tmp_path / CERTIFICATE).write_text(pair.combine(pair.read()))
    config = tmp_path / "haproxy.cfg"
    config.write_text(render(tmp_path, environ, models, keys))
    checked = subprocess.run([HAPROXY, "-c", "-f", str(config)], capture_output=True, text=True, check=False)
    assert (checked.returncode, "WARNING" in checked.stderr) == (0, False), checked.stderr


def test_twenty_versions_of_a_name_are_not_too_many_words_for_a_line(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(render(tmp_path, {}, tuple(f"bert/{number}.0" for number in range(20)), None))
    checked = subprocess.run([HAPROXY, "-c", "-f", str(config)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_no_key_is_in_the_configuration(tmp_path: Path) -> None:
    assert "secret" not in render(tmp_path, {}, ("bert",), KEYS)
    assert str(tmp_path / KEYS_MAP) not in render(tmp_path, {}, ("bert",), None)


def test_where_too_few_files_may_be_open_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (128, 128))
    with pytest.raises(BerthError, match="the front may open 128 files: raise the hard limit"):
        render(tmp_path, {}, ("bert",), None)


def test_a_request_may_wait_as_long_as_its_client_may_say(tmp_path: Path) -> None:
    assert f"timeout queue {LONGEST_MS // 1000}s" in render(tmp_path, {}, ("bert",), None)
