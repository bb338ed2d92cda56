"""config.properties and its overrides, resolved as TorchServe resolves them."""

from pathlib import Path

import pytest

from berth.errors import BerthError, Refused, UsageError
from berth.properties import format_properties, parse_properties, read_properties
from berth.settings import Settings, find_config

CONFIG = Path(__file__).parents[3] / "config.properties"


def edited(folder: Path, **values: str) -> Path:
    """A copy of config.properties with other values for some keys."""
    properties = parse_properties(CONFIG.read_text(encoding="utf-8")) | values
    path = folder / "config.properties"
    path.write_text(format_properties(properties), encoding="utf-8")
    return path


def test_the_file_is_what_the_design_says() -> None:
    settings = Settings.load(CONFIG, {})
    assert [endpoint.port for endpoint in settings.endpoints] == [8080, 8081, 8082, 7070, 7071]
    assert all(endpoint.is_loopback for endpoint in settings.endpoints)
    assert settings.archives == (Path.cwd() / "model_store" / "bert.mar",)
    assert settings.default_workers == 0
    assert "-XX:+ExitOnOutOfMemoryError" in settings.vmargs
    assert settings.queue_length == 0


def test_a_queue_that_is_not_mentioned_is_left_to_berth(tmp_path: Path) -> None:
    path = edited(tmp_path)
    path.write_text(path.read_text().replace("job_queue_size=", "#"))
    assert Settings.load(path, {}).queue_length == 0
    assert Settings.load(path, {"TS_JOB_QUEUE_SIZE": "77"}).queue_length == 77


def test_the_sizes_of_java_are_left_to_the_budget() -> None:
    vmargs = Settings.load(CONFIG, {}).vmargs
    assert [vmarg for vmarg in vmargs if vmarg.startswith(("-Xm", "-XX:Max", "-Djava.util.concurrent"))] == []


def test_the_environment_overrides_the_file() -> None:
    settings = Settings.load(CONFIG, {"TS_INFERENCE_ADDRESS": "http://0.0.0.0:80", "TS_LOAD_MODELS": "a.mar, b.mar"})
    assert settings.inference.port == 80
    assert settings.inference.url == "http://127.0.0.1:80"
    assert [path.name for path in settings.archives] == ["a.mar", "b.mar"]


def test_vmargs_are_the_files_alone() -> None:
    assert Settings.load(CONFIG, {"TS_VMARGS": "-Xmx1m"}).vmargs == Settings.load(CONFIG, {}).vmargs


def test_values_may_name_environment_variables(tmp_path: Path) -> None:
    path = edited(tmp_path, model_store="$$STORE$$/models")
    assert Settings.load(path, {"STORE": "/srv"}).model_store == Path("/srv/models")
    with pytest.raises(UsageError, match=r"\$\$STORE\$\$"):
        Settings.load(path, {})


def test_tls_and_cors_have_torchserves_names(tmp_path: Path) -> None:
    path = edited(
        tmp_path,
        inference_address="https://0.0.0.0:8443",
        certificate_file="/tls/tls.crt",
        private_key_file="/tls/tls.key",
        cors_allowed_origin="https://app.example, http://localhost:3000",
        cors_allowed_headers="authorization, x-request-id",
    )
    settings = Settings.load(path, {"TS_PRIVATE_KEY_FILE": "/other/tls.key"})
    assert settings.inference.url == "https://127.0.0.1:8443"
    assert (settings.certificate, settings.private_key) == (Path("/tls/tls.crt"), Path("/other/tls.key"))
    assert settings.cors_origins == ("https://app.example", "http://localhost:3000")
    assert (settings.cors_methods, settings.cors_headers) == ("GET, POST, OPTIONS", "authorization, x-request-id")
    assert Settings.load(edited(tmp_path, certificate_file="c"), {}).certificate is None


def test_an_ipv6_address_is_for_grpc_alone(tmp_path: Path) -> None:
    settings = Settings.load(edited(tmp_path, grpc_inference_address="::"), {})
    assert settings.grpc_inference.url == "http://[::1]:7070"
    with pytest.raises(UsageError, match=r"no IPv6 address for HOST, but 0\.0\.0\.0 .* TS_METRICS_ADDRESS"):
        Settings.load(CONFIG, {"TS_METRICS_ADDRESS": "http://[::1]:8082"})


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("enable_envvars_config", "false", UsageError),
        ("disable_token_authorization", "false", UsageError),
        ("decode_input_request", "true", UsageError),
        ("metrics_config", "mine.yaml", UsageError),
        ("metrics_address", "https://127.0.0.1:8443", UsageError),
        ("inference_address", "https://127.0.0.1:8443/", UsageError),
        ("inference_address", "unix:/tmp/socket", UsageError),
        ("cors_allowed_origin", "app.example", UsageError),
        ("cors_allowed_origin", "https://app.example/path", UsageError),
        ("cors_allowed_methods", "GET POST", UsageError),
        ("cors_allowed_headers", 'x" }', UsageError),
        ("inference_address", "http://127.0.0.1:port", UsageError),
        ("inference_address", "http://127.0.0.1:8080/", UsageError),
        ("inference_address", "http://127.0.0.1", UsageError),
        ("inference_address", "http://somebody@127.0.0.1:8080", UsageError),
        ("inference_address", "http://127.0.0.1:0", UsageError),
        ("inference_address", "http://127.0.0.1:65535", UsageError),
        ("model_snapshot", "yesterday.cfg", UsageError),
        ("models", '{"bert": {"1.0": {"minWorkers": 3}}}', UsageError),
        ("service_envelope", "kserve", UsageError),
        ("install_py_dep_per_model", "true", UsageError),
        ("cpu_launcher_enable", "true", UsageError),
        ("enable_metrics_api", "false", UsageError),
        ("job_queue_size", "2147483648", UsageError),
        ("job_queue_size", "1" * 5000, UsageError),
        ("grpc_inference_port", "many", UsageError),
        ("grpc_inference_port", "0", UsageError),
        ("grpc_inference_port", "65536", UsageError),
        ("load_models", "bert=bert.mar", UsageError),
        ("management_address", "http://0.0.0.0:8081", Refused),
        ("grpc_management_address", "::", Refused),
        ("metrics_address", "http://.svc:8082", UsageError),
        ("grpc_inference_address", "a..b", UsageError),
        ("inference_address", f"http://{'a' * 70}:8080", UsageError),
    ],
)
def test_a_value_that_cannot_be_served_names_its_key(
    tmp_path: Path, key: str, value: str, kind: type[BerthError]
) -> None:
    with pytest.raises(kind, match=key.removesuffix("_address")):
        Settings.load(edited(tmp_path, **{key: value}), {})


def test_a_file_of_torchserves_is_read_with_berths_own_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "config.properties"
    path.write_text("\ufeffinference_address=http://0.0.0.0:8080\nload_models=a.mar\nasync_logging=true\n", "utf-8")
    settings = Settings.load(path, {"TS_JOB_QUEUE_SIZE": "7"})
    assert (settings.inference.host, settings.queue_length) == ("0.0.0.0", 7)  # noqa: S104 - compared, not bound
    assert (settings.max_request_bytes, settings.vmargs) == (2**20, Settings.load(CONFIG, {}).vmargs)
    assert settings.properties == {**parse_properties(CONFIG.read_text()), **read_properties(path)}
    path.write_text("")
    with pytest.raises(UsageError, match="nothing to serve: name an archive"):
        Settings.load(path, {}).choose_archives([])


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    wrong = {"metrics_config": "m.yaml", "job_queue_size": "many", "management_address": "http://0.0.0.0:8081"}
    with pytest.raises(UsageError) as raised:
        Settings.load(edited(tmp_path, **wrong, load_models="a=a.mar, $$STORE$$"), {})
    first, *lines = str(raised.value).splitlines()
    assert first.startswith(f"{tmp_path}/config.properties has 5 settings that berth cannot serve with: ")
    assert first.endswith(f"berth's own, {CONFIG}")
    assert sorted(line.split()[0] for line in lines) == [
        "$$STORE$$",
        "job_queue_size",
        "load_models",
        *sorted(wrong)[1:],
    ]


def test_all_is_every_archive_of_the_store(tmp_path: Path) -> None:
    for name in ("b.mar", "a.mar", ".hidden.mar", "a.tune.json"):
        (tmp_path / name).touch()
    for name in ("unpacked/MAR-INF", "lost+found"):
        (tmp_path / name).mkdir(parents=True)
    environ = {"TS_MODEL_STORE": str(tmp_path), "TS_LOAD_MODELS": "ALL"}
    assert [path.name for path in Settings.load(CONFIG, environ).archives] == ["a.mar", "b.mar", "unpacked"]
    none = Settings.load(CONFIG, {**environ, "TS_MODEL_STORE": f"{tmp_path}/none"})
    with pytest.raises(UsageError, match=f"each that lies in {tmp_path}/none"):
        none.choose_archives([])


def test_the_name_of_loopback_has_no_case() -> None:
    environ = {"TS_MANAGEMENT_ADDRESS": "http://LOCALHOST:8081"}
    assert Settings.load(CONFIG, environ).management.is_loopback


@pytest.mark.parametrize("missing", ["certificate_file", "private_key_file"])
def test_https_needs_both_files(tmp_path: Path, missing: str) -> None:
    values = {"inference_address": "https://127.0.0.1:8443", "certificate_file": "c", "private_key_file": "k"}
    with pytest.raises(UsageError, match=f"{missing} is ''; inference_address is https, so it names a PEM file"):
        Settings.load(edited(tmp_path, **{**values, missing: ""}), {})


def test_a_file_that_is_no_text_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "latin1").write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match="latin1 is not UTF-8"):
        Settings.load(tmp_path / "latin1", {})
    (tmp_path / "windows").write_text("model_store=C:\\users")
    with pytest.raises(UsageError, match=r"is not in Java's form of properties: \\u stands .* backslash as two"):
        Settings.load(tmp_path / "windows", {})
    with pytest.raises(UsageError, match=f"{tmp_path} cannot be read: Is a directory"):
        Settings.load(tmp_path, {})


def test_the_config_is_the_one_named_else_the_current_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    other = edited(tmp_path).rename(tmp_path / "other.properties")
    assert find_config(other) == other
    here = edited(tmp_path)
    assert find_config(None) == here
    with pytest.raises(UsageError, match=r"none\.properties: no such file"):
        find_config(Path("none.properties"))


def test_without_one_here_it_is_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "berth"
    package.mkdir()
    monkeypatch.chdir(package)
    with pytest.raises(UsageError, match="install berth again"):
        find_config(None, package)
    original = edited(tmp_path)
    assert find_config(None, package) == original
    copy = edited(package)
    monkeypatch.chdir("/")
    assert find_config(None, package) == copy
    assert find_config(None) == CONFIG


def test_a_place_that_cannot_be_looked_at_is_said() -> None:
    with pytest.raises(UsageError, match="cannot be read: File name too long"):
        find_config(Path("x" * 300))


def test_a_deleted_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageError, match="current folder, which was deleted"):
        Settings.load(find_config(None), {})
    assert Settings.load(find_config(None), {"TS_MODEL_STORE": "/srv"}).model_store == Path("/srv")
