"""The few keys of config.properties that `berth serve` needs, resolved by TorchServe's own rules.

What a file of somebody's own does not say is taken from berth's: TorchServe reads both as one file, so nothing here may
have a default that differs from berth's own.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from .endpoint import NO_HOST, Endpoint, is_host
from .errors import BerthError, Refused, UsageError
from .properties import read_properties, unreadable

CONFIG_NAME = "config.properties"
PACKAGE = Path(__file__).resolve().parent
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+|\*")  # as a browser sends it, RFC 6454, section 6.2
Value = TypeVar("Value")
TOKENS = re.compile(r"[A-Za-z0-9_\-]+(, *[A-Za-z0-9_\-]+)*|")  # methods or names of headers
MOST = 2**31 - 1  # of Java's int
NUMBER = re.compile("[0-9]{1,20}")  # Python makes no number of thousands of digits
ALL = "all"
ARCHIVE, UNPACKED = ".mar", "MAR-INF"
"""The end of an archive's name; a folder that an unpacked one has."""
ONE_FILES_OWN = frozenset({"load_models"})  # nobody asked for berth's sample
REQUIRED = {
    "enable_envvars_config": ("true", "berth gives TorchServe the models and workers that way"),
    "disable_token_authorization": ("true", "the ready check could not be given the tokens"),
    "decode_input_request": ("false", "the handler parses JSON itself and takes bytes only"),
    "service_envelope": ("", "the handler reads and answers KServe's requests itself"),
    "metrics_config": ("", "berth's own file declares the handler's metrics"),
    "enable_metrics_api": ("true", "the metrics of requests and workers are read there"),
    "model_snapshot": ("", "TorchServe would restore that and not load berth's models"),
    "models": ("", "it would start other workers than memory was counted for"),
    "install_py_dep_per_model": ("false", "pip would install torch at each start; versions are checked instead"),
    "cpu_launcher_enable": ("false", "its workers would be other processes than the ones that berth watches"),
}
"""What each of these keys has to be, and why."""
# The environment never overrides these (pytorch/serve, util/ConfigManager.java).
FILE_ONLY = frozenset({"vmargs", "use_native_io", "io_ratio", "metric_time_interval", "models", "model_snapshot"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the launcher needs to know from a config.properties."""

    config: Path
    properties: Mapping[str, str]
    """All that TorchServe is to read: the file's keys, and berth's own for those that it lacks."""
    inference: Endpoint
    management: Endpoint
    metrics: Endpoint
    grpc_inference: Endpoint
    grpc_management: Endpoint
    archives: tuple[Path, ...]
    """The files in model_store that load_models names; of `all` each archive and unpacked folder there, by name."""
    model_store: Path
    default_workers: int
    """Workers that each model starts with; 0: chosen for the machine (berth/memory/workers.py)."""
    max_request_bytes: int
    max_response_bytes: int
    queue_length: int
    """Requests that may wait for each model; 0: chosen for the machine (berth/memory/fit.py)."""
    netty_threads: int
    """Threads for clients' sockets; 0: as many as there are cores, at least two."""
    netty_client_threads: int
    """Threads for workers' sockets; 0: as many as there are cores, at least two."""
    vmargs: tuple[str, ...]
    certificate: Path | None
    """PEM of what TLS clients of inference and grpc_inference see; None: they speak without TLS."""
    private_key: Path | None
    cors_origins: tuple[str, ...]
    """Whose pages a browser lets ask, such as https://app.example; ("*",): everybody's."""
    cors_methods: str
    cors_headers: str
    """Names of headers that such a page may send; "": whichever it asks for."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every address that must be free."""
        return (self.inference, self.management, self.metrics, self.grpc_inference, self.grpc_management)

    def choose_archives(self, named: Sequence[Path]) -> tuple[Path, ...]:
        """Return the archives that are named, else those of load_models; UsageError where there are none."""
        if chosen := tuple(named) or self.archives:
            return chosen
        raise UsageError(
            f"nothing to serve: name an archive, or set load_models in {self.config} (`{ALL}`: each that lies in "
            f"{self.model_store})"
        )

    @classmethod
    def load(cls, config: Path, environ: Mapping[str, str]) -> Self:
        """Read the file under this environment; UsageError or Refused names every key that is wrong."""
        keys = Keys(config, _with_berths_own(config), environ)
        for key, (value, reason) in REQUIRED.items():
            keys.require(key, value, reason)
        model_store = _absolute(Path(keys.text("model_store")))
        inference = keys.http("inference_address", tls=True)
        has_tls = inference.scheme == "https"
        settings = cls(
            config=config,
            properties=keys.properties,
            inference=inference,
            management=keys.only_loopback(keys.http("management_address")),
            metrics=keys.http("metrics_address"),
            grpc_inference=keys.grpc("grpc_inference"),
            grpc_management=keys.only_loopback(keys.grpc("grpc_management")),
            archives=keys.archives(model_store),
            model_store=model_store,
            default_workers=keys.number("default_workers_per_model"),
            max_request_bytes=keys.number("max_request_size"),
            max_response_bytes=keys.number("max_response_size"),
            queue_length=keys.number("job_queue_size"),
            netty_threads=keys.number("number_of_netty_threads"),
            netty_client_threads=keys.number("netty_client_threads"),
            vmargs=tuple(keys.text("vmargs").split()),
            certificate=keys.file("certificate_file") if has_tls else None,
            private_key=keys.file("private_key_file") if has_tls else None,
            cors_origins=keys.origins("cors_allowed_origin"),
            cors_methods=keys.tokens("cors_allowed_methods", "GET, POST, OPTIONS"),
            cors_headers=keys.tokens("cors_allowed_headers", ""),
        )
        keys.require_right()
        return settings


class Keys:
    """The keys of one file, resolved as TorchServe resolves them; one that is wrong is noted, and read as harmless."""

    def __init__(self, config: Path, properties: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.properties = properties
        self._config = config
        self._environ = environ
        self._wrong: dict[str, type[BerthError]] = {}

    def require_right(self) -> None:
        """Raise for all keys that were noted: UsageError, or Refused where nothing but that was wrong."""
        if not self._wrong:
            return
        first, *others = self._wrong
        kind = UsageError if UsageError in self._wrong.values() else Refused
        if not others:
            raise kind(f"{self._config}: {first}")
        listed = "".join(f"\n  {message}" for message in self._wrong)
        raise kind(
            f"{self._config} has {len(self._wrong)} settings that berth cannot serve with: change them, or give "
            f"another file with --config; one may begin as a copy of berth's own, {_installed_config(PACKAGE)}{listed}"
        )

    def text(self, key: str, default: str = "") -> str:
        """Resolve a key: TS_<KEY> where the file allows it, else the file's value, $$NAME$$ filled in, else default."""
        if self.properties.get("enable_envvars_config") == "true" and key not in FILE_ONLY:
            override = self._environ.get(override_variable(key))
            if override is not None:
                return override
        return re.sub(r"\$\$(\w+)\$\$", self._environment_value, self.properties.get(key, default)).strip()

    def require(self, key: str, value: str, reason: str) -> None:
        """Note the key unless it has this value."""
        if self.text(key) != value:
            self._note(f"{key} is {self.text(key)!r}, not {value!r}: {reason}", None)

    def number(self, key: str, least: int = 0, most: int = MOST) -> int:
        """Read a whole number."""
        value = self.text(key)
        if NUMBER.fullmatch(value) and least <= int(value) <= most:
            return int(value)
        return self._note_value(key, f"it is a whole number from {least} to {most}", least)

    def http(self, key: str, *, tls: bool = False) -> Endpoint:
        """Read an address such as http://127.0.0.1:8080; `tls`: https:// is known too."""
        try:
            return Endpoint.parse_http(key, self.text(key), tls=tls)
        except ValueError as error:
            return self._note_value(key, str(error), _nowhere(key))

    def file(self, key: str) -> Path:
        """Read the path of a file that TLS needs."""
        if value := self.text(key):
            return _absolute(Path(value))
        return self._note_value(key, "inference_address is https, so it names a PEM file", Path())

    def origins(self, key: str) -> tuple[str, ...]:
        """Read a list of origins, with commas between them."""
        found = tuple(part.strip() for part in self.text(key).split(",") if part.strip())
        if all(ORIGIN.fullmatch(origin) for origin in found):
            return found
        return self._note_value(key, "it lists origins such as https://app.example, with commas, or is *", ())

    def tokens(self, key: str, default: str) -> str:
        """Read a list of methods or of names of headers, with commas between them."""
        value = self.text(key, default)
        if TOKENS.fullmatch(value):
            return value
        return self._note_value(key, "it lists names, with commas between them", "")

    def archives(self, model_store: Path) -> tuple[Path, ...]:
        """List the files that load_models names. NAME=FILE is wrong: a model's name is in its archive."""
        said = self.text("load_models")
        if said.lower() == ALL:
            return _archives_in(model_store)
        names = [name.strip() for name in said.split(",")]
        if renamed := [name for name in names if "=" in name]:
            self._note(
                f"load_models has {renamed[0]!r}; give the file alone: the model's name is in the archive "
                "(`berth pack --name`)",
                None,
            )
        return tuple(model_store / name for name in names if name)

    def grpc(self, service: str) -> Endpoint:
        """Read the address and port of a gRPC service, which are two keys."""
        key, host = f"{service}_port", self.text(address := f"{service}_address")
        if not is_host(host):
            return self._note_value(address, f"it is HOST{NO_HOST}", _nowhere(key))
        return Endpoint(key=key, host=host, port=self.number(key, 1, 65535))

    def only_loopback(self, endpoint: Endpoint) -> Endpoint:
        """Note an address of the management API that other machines reach."""
        if endpoint.is_loopback:
            return endpoint
        message = (
            f"{endpoint.key} would open the management API on {endpoint.host}: whoever reaches it can switch a model "
            "off; keep it on 127.0.0.1 and go through `kubectl exec` or an ssh tunnel"
        )
        return self._note(message, endpoint, Refused)

    def _note_value(self, key: str, rule: str, instead: Value) -> Value:
        return self._note(f"{key} is {self.text(key)!r}; {rule} (here or in {override_variable(key)})", instead)

    def _note(self, message: str, instead: Value, kind: type[BerthError] = UsageError) -> Value:
        """Note what is wrong, and return what is read instead."""
        self._wrong[message] = kind
        return instead

    def _environment_value(self, match: re.Match[str]) -> str:
        name = match.group(1)
        value = self._environ.get(name)
        if value is None:
            return self._note(f"$${name}$$ stands for an environment variable that is not set", "")
        return value


def override_variable(key: str) -> str:
    """Name the environment variable that overrides a key."""
    return f"TS_{key.upper()}"


def find_config(explicit: Path | None, package: Path = PACKAGE) -> Path:
    """Find --config, else ./config.properties, else the one that came with berth; UsageError when it is not there."""
    config = explicit or Path(CONFIG_NAME)
    try:
        if config.is_file():
            return config.absolute()
    except OSError as error:  # a folder above it may not be searched
        raise unreadable(config, error) from error
    if explicit:
        raise UsageError(f"{config}: no such file; give another with --config")
    return _installed_config(package)


def _installed_config(package: Path) -> Path:
    """The copy that a build puts into the package; in a checkout, the file beside it."""
    copy, original = package / CONFIG_NAME, package.parent / CONFIG_NAME
    found = next((path for path in (copy, original) if path.is_file()), None)
    if found is None:
        raise UsageError(f"{copy} is missing: install berth again, or give another with --config")
    return found


def _absolute(path: Path) -> Path:
    try:
        return path.absolute()
    except FileNotFoundError as error:
        raise UsageError(f"{path} is relative to the current folder, which was deleted: change to another") from error


def _with_berths_own(config: Path) -> Mapping[str, str]:
    """The keys of the file, and of berth's own file those that it lacks."""
    own = _installed_config(PACKAGE)
    theirs = read_properties(config)
    if own.samefile(config):
        return theirs
    return {**{key: value for key, value in read_properties(own).items() if key not in ONE_FILES_OWN}, **theirs}


def _archives_in(model_store: Path) -> tuple[Path, ...]:
    """What TorchServe would take of a folder: archives and unpacked ones, nothing whose name begins with a dot."""
    found = sorted(model_store.glob("[!.]*"))
    return tuple(path for path in found if path.suffix == ARCHIVE or os.path.isdir(path / UNPACKED))  # noqa: PTH112


def _nowhere(key: str) -> Endpoint:
    """What an address is read as that is wrong."""
    return Endpoint(key=key, host="127.0.0.1", port=0)
