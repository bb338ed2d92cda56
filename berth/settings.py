"""The few keys of config.properties that `berth serve` needs, resolved by TorchServe's own rules.

TorchServe reads the same file, so nothing here may have a default that differs from that file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .endpoint import Endpoint
from .errors import Refused, UsageError

CONFIG_NAME = "config.properties"
PACKAGE = Path(__file__).resolve().parent
# As TorchServe reads it, with the port that it calls optional; it refuses 65535 (pytorch/serve, util/Connector.java).
HTTP_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[^:/^@\[\]\s]+):(?P<port>[0-9]{1,5})")
IN_BRACKETS = (
    ": TorchServe takes no IPv6 address for HOST, but 0.0.0.0 listens on IPv6 too, and so does a name of /etc/hosts "
    "that stands for an address"
)
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+|\*")  # as a browser sends it, RFC 6454, section 6.2
TOKENS = re.compile(r"[A-Za-z0-9_\-]+(, *[A-Za-z0-9_\-]+)*|")  # methods or names of headers
MOST = 2**31 - 1  # of Java's int
NUMBER = re.compile("[0-9]{1,20}")  # Python makes no number of thousands of digits
# The environment never overrides these (pytorch/serve, util/ConfigManager.java).
FILE_ONLY = frozenset({"vmargs", "use_native_io", "io_ratio", "metric_time_interval", "models", "model_snapshot"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the launcher needs to know from a config.properties."""

    config: Path
    inference: Endpoint
    management: Endpoint
    metrics: Endpoint
    grpc_inference: Endpoint
    grpc_management: Endpoint
    archives: tuple[Path, ...]
    """The files in model_store that load_models names."""
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

    @classmethod
    def load(cls, config: Path, environ: Mapping[str, str]) -> Self:
        """Read the file under this environment; UsageError or Refused names the key that is wrong."""
        keys = Keys(config, parse_properties(_read(config)), environ)
        keys.require("enable_envvars_config", "true", "berth gives TorchServe the models and workers that way")
        keys.require("disable_token_authorization", "true", "the ready check could not be given the tokens")
        keys.require("decode_input_request", "false", "the handler parses JSON itself and takes bytes only")
        keys.require("metrics_config", "", "berth's own file declares the handler's metrics")
        keys.require("model_snapshot", "", "TorchServe would restore that and not load berth's models")
        model_store = _absolute(Path(keys.text("model_store", "model_store")))
        inference = keys.http("inference_address", tls=True)
        has_tls = inference.scheme == "https"
        return cls(
            config=config,
            inference=inference,
            management=_only_loopback(keys.http("management_address")),
            metrics=keys.http("metrics_address"),
            grpc_inference=keys.grpc("grpc_inference"),
            grpc_management=_only_loopback(keys.grpc("grpc_management")),
            archives=keys.archives(model_store),
            model_store=model_store,
            default_workers=keys.number("default_workers_per_model"),
            max_request_bytes=keys.number("max_request_size"),
            max_response_bytes=keys.number("max_response_size"),
            queue_length=keys.number("job_queue_size", "0"),
            netty_threads=keys.number("number_of_netty_threads"),
            netty_client_threads=keys.number("netty_client_threads"),
            vmargs=tuple(keys.text("vmargs", "").split()),
            certificate=keys.file("certificate_file") if has_tls else None,
            private_key=keys.file("private_key_file") if has_tls else None,
            cors_origins=keys.origins("cors_allowed_origin"),
            cors_methods=keys.tokens("cors_allowed_methods", "GET, POST, OPTIONS"),
            cors_headers=keys.tokens("cors_allowed_headers", ""),
        )


class Keys:
    """The keys of one file, resolved as TorchServe resolves them."""

    def __init__(self, config: Path, properties: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self._config = config
        self._properties = properties
        self._environ = environ

    def text(self, key: str, default: str) -> str:
        """Resolve a key: TS_<KEY> where the file allows it, else the file's value, $$NAME$$ filled in, else default."""
        if self._properties.get("enable_envvars_config") == "true" and key not in FILE_ONLY:
            override = self._environ.get(override_variable(key))
            if override is not None:
                return override
        return re.sub(r"\$\$(\w+)\$\$", self._environment_value, self._properties.get(key, default)).strip()

    def require(self, key: str, value: str, reason: str) -> None:
        """Raise UsageError unless the key has this value."""
        if self.text(key, "") != value:
            raise UsageError(f"{self._config}: {key} is {self.text(key, '')!r}, not {value!r}: {reason}")

    def number(self, key: str, default: str = "") -> int:
        """Read a whole number of 0 or more; a key without a default must be there."""
        return self._number(key, 0, MOST, default)

    def http(self, key: str, *, tls: bool = False) -> Endpoint:
        """Read an address such as http://127.0.0.1:8080; `tls`: https:// is known too."""
        value = self.text(key, "")
        address = HTTP_ADDRESS.fullmatch(value)
        if address and 0 < int(address["port"]) < 65535 and (tls or address["scheme"] == "http"):
            return Endpoint(key=key, host=address["host"], port=int(address["port"]), scheme=address["scheme"])
        or_tls = ", or with https" if tls else ""
        raise self._wrong(key, f"it is http://HOST:PORT and no more{or_tls}{IN_BRACKETS if '[' in value else ''}")

    def file(self, key: str) -> Path:
        """Read the path of a file that TLS needs."""
        if value := self.text(key, ""):
            return _absolute(Path(value))
        raise self._wrong(key, "inference_address is https, so it names a PEM file")

    def origins(self, key: str) -> tuple[str, ...]:
        """Read a list of origins, with commas between them."""
        found = tuple(part.strip() for part in self.text(key, "").split(",") if part.strip())
        if all(ORIGIN.fullmatch(origin) for origin in found):
            return found
        raise self._wrong(key, "it lists origins such as https://app.example, with commas, or is *")

    def tokens(self, key: str, default: str) -> str:
        """Read a list of methods or of names of headers, with commas between them."""
        value = self.text(key, default)
        if TOKENS.fullmatch(value):
            return value
        raise self._wrong(key, "it lists names, with commas between them")

    def archives(self, model_store: Path) -> tuple[Path, ...]:
        """List the files that load_models names. NAME=FILE is refused: a model's name is in its archive."""
        names = [name.strip() for name in self.text("load_models", "").split(",")]
        if renamed := [name for name in names if "=" in name]:
            raise UsageError(
                f"{self._config}: load_models has {renamed[0]!r}; give the file alone: the model's name "
                "is in the archive (`berth pack --name`)"
            )
        return tuple(model_store / name for name in names if name)

    def grpc(self, service: str) -> Endpoint:
        """Read the address and port of a gRPC service, which are two keys."""
        key = f"{service}_port"
        return Endpoint(key=key, host=self.text(f"{service}_address", "127.0.0.1"), port=self._number(key, 1, 65535))

    def _number(self, key: str, least: int, most: int, default: str = "") -> int:
        value = self.text(key, default)
        if not (NUMBER.fullmatch(value) and least <= int(value) <= most):
            raise self._wrong(key, f"it is a whole number from {least} to {most}")
        return int(value)

    def _wrong(self, key: str, rule: str) -> UsageError:
        where = f"{self._config}: {key} is {self.text(key, '')!r}"
        return UsageError(f"{where}; {rule} (here or in {override_variable(key)})")

    def _environment_value(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in self._environ:
            raise UsageError(f"{self._config}: $${name}$$ stands for an environment variable that is not set")
        return self._environ[name]


def override_variable(key: str) -> str:
    """Name the environment variable that overrides a key."""
    return f"TS_{key.upper()}"


def parse_properties(text: str) -> dict[str, str]:
    """Parse Java's properties as far as this file uses them: comments, `key=value`, a backslash joins lines."""
    joined = re.sub(r"\\\r?\n[ \t]*", "", text)
    lines = (line.strip() for line in joined.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#!")
    return {key.strip(): value.strip() for key, _, value in pairs}


def find_config(explicit: Path | None, package: Path = PACKAGE) -> Path:
    """Find --config, else ./config.properties, else the one that came with berth; UsageError when it is not there."""
    config = explicit or Path(CONFIG_NAME)
    try:
        if config.is_file():
            return config.absolute()
    except OSError as error:  # a folder above it may not be searched
        raise _unreadable(config, error) from error
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


def _read(config: Path) -> str:
    try:
        return config.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(config, error) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{config} is not UTF-8: {error}; save it as UTF-8") from error


def _unreadable(config: Path, error: OSError) -> UsageError:
    return UsageError(f"{config} cannot be read: {error.strerror}; give another with --config")


def _only_loopback(endpoint: Endpoint) -> Endpoint:
    if not endpoint.is_loopback:
        raise Refused(
            f"{endpoint.key} would open the management API on {endpoint.host}: whoever reaches it can switch "
            "a model off; keep it on 127.0.0.1 and go through `kubectl exec` or an ssh tunnel"
        )
    return endpoint
