"""Who may ask is settled before anything listens."""

import shutil
from pathlib import Path

import pytest

from berth.errors import BerthError, Refused, UsageError
from berth.front.keys import KeySource
from berth.serve.access import NO_WISH, Wish, decide_access
from berth.settings import Settings

CONFIG = Path(__file__).parents[4] / "config.properties"
PATHS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
REST, GRPC = {"TS_INFERENCE_ADDRESS": "http://0.0.0.0:80"}, {"TS_GRPC_INFERENCE_ADDRESS": "::"}
TLS = {"TS_INFERENCE_ADDRESS": "https://127.0.0.1:8443", "TS_CERTIFICATE_FILE": "c", "TS_PRIVATE_KEY_FILE": "k"}
KEYS = Wish(keys=KeySource(file=None, text="ada secret"))
OPEN = Wish(no_keys=True)

with_haproxy = pytest.mark.skipif(not shutil.which("haproxy", path=PATHS["PATH"]), reason="haproxy is not installed")


@with_haproxy
@pytest.mark.parametrize(("environ", "wish"), [({}, NO_WISH), (REST, KEYS), (REST, OPEN), (GRPC, KEYS), (TLS, NO_WISH)])
def test_what_is_locked_or_said_to_be_open_is_served(environ: dict[str, str], wish: Wish) -> None:
    assert decide_access(Settings.load(CONFIG, environ), wish, PATHS) == wish.keys


@pytest.mark.parametrize(
    ("environ", "wish", "kind", "words"),
    [
        (
            REST,
            NO_WISH,
            Refused,
            r"reaches 0\.0\.0\.0:80 could .*BERTH_API_KEYS_FILE.*--no-keys.*BERTH_NO_KEYS=1",
        ),
        (GRPC, NO_WISH, Refused, r"whoever reaches \[::\]:7070 could ask"),
        (REST, Wish(keys=KeySource(file=None, text=""), no_keys=True), UsageError, "holds no API key"),
    ],
)
def test_an_open_address_is_refused_unless_somebody_said_so(
    environ: dict[str, str], wish: Wish, kind: type[BerthError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        decide_access(Settings.load(CONFIG, environ), wish, {"PATH": PATHS["PATH"]} if wish.keys is None else PATHS)


@pytest.mark.parametrize(
    ("environ", "wish", "words"),
    [
        ({}, KEYS, "API keys are asked for, but haproxy is not installed: apt-get install haproxy"),
        (TLS, NO_WISH, "inference_address is https, but haproxy is not installed"),
        (TLS, KEYS, "API keys are asked for and inference_address is https, but"),
    ],
)
def test_torchserve_alone_asks_for_no_key_and_speaks_no_tls(
    tmp_path: Path, environ: dict[str, str], wish: Wish, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        decide_access(Settings.load(CONFIG, environ), wish, {"PATH": str(tmp_path)})


def test_without_a_front_loopback_is_served_as_before(tmp_path: Path) -> None:
    assert decide_access(Settings.load(CONFIG, {}), NO_WISH, {"PATH": str(tmp_path)}) is None
