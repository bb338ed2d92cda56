"""Where a server is: what the caller says, else the environment, else the ports of config.properties.

Of a server's addresses one leads to another where that can be known: by the TS_ variables that move the ports of `berth
serve`, by the launcher on this machine, or because the port is the default. Imports no client library.
"""

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from ..endpoint import Endpoint, is_host, without_credentials
from ..errors import UsageError
from ..settings import override_variable

URL_VARIABLE = "BERTH_URL"  # the inference address
INFERENCE_URL = "http://127.0.0.1:8080"
MANAGEMENT_URL = "http://127.0.0.1:8081"
GRPC_INFERENCE, GRPC_MANAGEMENT = 7070, 7071
MANAGEMENT_VARIABLE = override_variable("management_address")
DEFAULT_PORTS = {"http": 80, "https": 443}  # for an address without a port


def parse_url(url: str, what: str = "") -> Endpoint:
    """Parse http://HOST:PORT; UsageError when it is something else, which begins with `what`: who says so."""
    with suppress(ValueError):  # a port above 65535
        parts = urlsplit(url)
        if parts.scheme in DEFAULT_PORTS and parts.hostname and is_host(parts.hostname) and parts.port != 0:
            return Endpoint(key="url", host=parts.hostname, port=parts.port or DEFAULT_PORTS[parts.scheme])
    raise UsageError(f"{what}{_shown(url)!r} is not a server address: use http://HOST:PORT or https://HOST:PORT")


def _shown(url: str) -> str:
    """The URL without a user and password, though it may lack its scheme."""
    return without_credentials(url if "//" in url else f"//{url}").removeprefix("//")


def inference_url(environ: Mapping[str, str]) -> str:
    """Where predictions are asked for: BERTH_URL, else TS_INFERENCE_ADDRESS, else port 8080 of this machine."""
    if url := environ.get(URL_VARIABLE):
        parse_url(url, f"{URL_VARIABLE}: ")
        return url
    return _listening(override_variable("inference_address"), environ) or INFERENCE_URL


def management_url(environ: Mapping[str, str], inference: str | None = None) -> str:
    """The management address beside an inference address; UsageError where it cannot be known.

    TS_MANAGEMENT_ADDRESS; or what the launcher says whose inference address this is; or port 8081 beside port 8080.
    """
    from .launcher import fetch_capacity  # noqa: PLC0415 - urllib: `--help` answers at once

    if url := _listening(MANAGEMENT_VARIABLE, environ):
        return url
    inference = inference or inference_url(environ)
    capacity = fetch_capacity(environ)
    if capacity and is_same_server(capacity.inference, inference):
        return capacity.management
    server = parse_url(inference)
    if server.port != parse_url(INFERENCE_URL).port:
        raise UsageError(
            f"the management address of {_shown(inference)} is not known, for its port is not the "
            f"default: set {MANAGEMENT_VARIABLE} to it"
        )
    return Endpoint(key="url", host=server.host, port=parse_url(MANAGEMENT_URL).port).url


def grpc_inference_address(environ: Mapping[str, str]) -> str:
    """Of gRPC predictions: the TS_GRPC_INFERENCE_ variables, else BERTH_URL's host and port 7070.

    HOST:PORT, or https://HOST:PORT where the inference address has TLS: a server has it on both or on neither.
    """
    url = environ.get(URL_VARIABLE)
    host = parse_url(url, f"{URL_VARIABLE}: ").host if url else "127.0.0.1"
    server = _grpc_endpoint("grpc_inference", environ, host, GRPC_INFERENCE)
    return _url("https", server) if scheme(inference_url(environ)) == "https" else server.url.removeprefix("http://")


def grpc_management_address(environ: Mapping[str, str], inference: str) -> str:
    """HOST:PORT of gRPC management beside `inference`, which may have TLS; UsageError where it cannot be known."""
    server = Endpoint.parse("address", inference.removeprefix("https://"))
    if server.port != GRPC_INFERENCE and override_variable("grpc_management_port") not in environ:
        raise UsageError(
            f"the gRPC management port of {inference} is not known, for its port is not the default: "
            f"set {override_variable('grpc_management_port')} to it"
        )
    return _grpc_endpoint("grpc_management", environ, server.host, GRPC_MANAGEMENT).url.removeprefix("http://")


def is_same_server(one: str, other: str) -> bool:
    """Whether two URLs lead to the same port of the same host; all names of this machine's loopback are one."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, int]:
    server = parse_url(url)
    return "127.0.0.1" if server.is_loopback else server.host, server.port


def _listening(variable: str, environ: Mapping[str, str]) -> str | None:
    """The URL by which to reach what listens where a variable of `berth serve` says; None where it is not set."""
    value = environ.get(variable)
    return _url(scheme(value), parse_url(value, f"{variable}: ")) if value else None


def scheme(url: str) -> str:
    """http or https: TLS or none."""
    return urlsplit(url).scheme


def _url(scheme: str, server: Endpoint) -> str:
    return f"{scheme}://{server.url.partition('://')[2]}"


def _grpc_endpoint(service: str, environ: Mapping[str, str], host: str, port: int) -> Endpoint:
    said = environ.get(override_variable(f"{service}_address"), host)
    number = environ.get(variable := override_variable(f"{service}_port"), str(port))
    try:
        return Endpoint.parse(variable, f"[{said}]:{number}" if ":" in said else f"{said}:{number}")
    except ValueError as error:
        raise UsageError(f"{variable}: {said}:{number} is not a gRPC address: use a host and a port") from error
