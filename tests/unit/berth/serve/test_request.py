"""What is refused before anything listens."""

import socket
from pathlib import Path

import pytest

from berth.errors import BerthError, Refused, UsageError
from berth.front.keys import KeySource
from berth.serve.access import NO_WISH, who_may_ask
from berth.serve.platforms import require_served
from berth.serve.request import read_request, require_archives
from berth.serve.start import serve_archives
from berth.settings import Settings
from tests.support.standin import make_standin

CONFIG = Path(__file__).parents[4] / "config.properties"
REST, GRPC = {"TS_INFERENCE_ADDRESS": "http://0.0.0.0:80"}, {"TS_GRPC_INFERENCE_ADDRESS": "::"}


def test_archives_and_memory_are_as_they_were_given(tmp_path: Path) -> None:
    archive = make_standin(tmp_path)
    request = read_request([archive], CONFIG, "2Gi")
    assert (request.archives, request.memory, request.settings.config) == ((archive,), "2Gi", CONFIG)


@pytest.mark.parametrize(
    ("archive", "memory", "environ", "kind", "words"),
    [
        ("nope.mar", None, {}, Refused, "nope.mar does not exist"),
        ("x" * 300, None, {}, Refused, "cannot be read: File name too long"),
        ("text.mar", None, {}, Refused, "text.mar"),
        ("bert.mar", "2 gigs", {}, UsageError, "'2 gigs' is not an amount"),
        ("bert.mar", None, {"TS_JOB_QUEUE_SIZE": "many"}, UsageError, "job_queue_size"),
        (None, None, {"TS_LOAD_MODELS": ""}, UsageError, f"set load_models in {CONFIG}"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path,
    *,
    archive: str | None,
    memory: str | None,
    environ: dict[str, str],
    kind: type[BerthError],
    words: str,
) -> None:
    make_standin(tmp_path)
    (tmp_path / "text.mar").write_text("no archive")
    with pytest.raises(kind, match=words):
        require_archives(
            read_request([tmp_path / archive] if archive else [], CONFIG, memory, NO_WISH, environ).archives
        )


def test_arguments_come_before_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("BERTH_HEALTH_ADDRESS", f"127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(Refused, match=r"nope\.mar"):
            serve_archives([tmp_path / "nope.mar"], CONFIG, None, 1.0)


def test_other_systems_are_told_where_it_runs() -> None:
    require_served("linux")
    for platform in ("darwin", "win32"):
        with pytest.raises(Refused, match=f"runs on Linux, and this is {platform}: pack and verify here"):
            require_served(platform)


def test_the_log_says_who_may_ask(tmp_path: Path) -> None:
    assert "can be asked from this machine alone" in who_may_ask(Settings.load(CONFIG, {}), None)
    assert "whoever reaches 0.0.0.0:80 may ask the models" in who_may_ask(Settings.load(CONFIG, REST), None)
    assert "whoever reaches [::]:7070 may ask the models" in who_may_ask(Settings.load(CONFIG, GRPC), None)
    both = Settings.load(CONFIG, REST | GRPC)
    assert "whoever reaches 0.0.0.0:80 or [::]:7070 may ask the models" in who_may_ask(both, None)
    (tmp_path / "keys").write_text("ada a-key\n")
    keys = KeySource(file=tmp_path / "keys", text="")
    assert who_may_ask(both, keys) == f"API keys are asked for: 1 of {tmp_path / 'keys'}"
