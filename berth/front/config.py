"""HAProxy's configuration: haproxy.cfg, filled in."""

import resource
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Template

from ..endpoint import Endpoint
from ..errors import BerthError
from .admission import (
    ANY_MODEL,
    LONGEST_MS,
    MAX_WAITING,
    admission_lines,
    counting_lines,
    deadline_lines,
    grpc_deadline_lines,
    learning_lines,
    table_lines,
)
from .cors import cors_lines
from .keys import IS_OPEN, MAX_KEYLESS, OPEN_GRPC, key_lines, open_grpc_lines, open_lines, rate_table_lines
from .limits import BUFFER_BYTES, MAX_LONG_BODIES, body_lines, limit_lines, long_body_lines, refused_lines
from .plan import FrontPlan
from .refusals import (
    REFUSALS,
    FrontRefusal,
    bare_413_lines,
    form_lines,
    management_lines,
    own_error_lines,
    refusal_lines,
    too_long,
    version_lines,
)
from .reports.access_log import log_lines
from .routes import inside_lines, model_backend_lines, route_lines

TEMPLATE = Path(__file__).with_name("haproxy.cfg")
INSIDE = "inside.sock"
RUNTIME = "haproxy.sock"
GATEWAY_HTTP = "gateway-http.sock"
GATEWAY_GRPC = "gateway-grpc.sock"
KEYS_MAP = "keys.map"
CERTIFICATE = "certificate.pem"
TLS_OPTIONS = "ssl-min-ver TLSv1.2"
OTHER_FILES = 200
FEWEST_FILES = 256
PATIENCE_S = LONGEST_MS // 1000  # how long a request waits for its turn; what is late then is not computed
GRACE_S = 60


def render_config(plan: FrontPlan, folder: Path, *, has_access_log: bool = False) -> str:
    """Write the configuration of a front whose files lie in `folder`, a path from where HAProxy runs."""
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        _limits(plan) | _addresses(plan, folder) | _rules(plan, folder) | _refusals(plan) | _log(plan, has_access_log)
    )


def _limits(plan: FrontPlan) -> dict[str, object]:
    return {
        "max_connections": _max_connections(plan),
        "threads": plan.threads,
        "grace_s": GRACE_S,
        "buffer_bytes": BUFFER_BYTES,
        "patience_s": PATIENCE_S,
        "max_keyless": MAX_KEYLESS,
        "max_long_bodies": MAX_LONG_BODIES,
    }


def _addresses(plan: FrontPlan, folder: Path) -> dict[str, object]:
    certificate = folder / CERTIFICATE if plan.outside.certificate else None
    return {
        "http_bind": _bind(plan.outside.inference, certificate, "h2,http/1.1"),
        "grpc_bind": _bind(plan.outside.grpc_inference, certificate, "h2"),
        "torchserve_http": plan.behind.inference.address,
        "torchserve_grpc": plan.behind.grpc_inference.address,
        "runtime_socket": folder / RUNTIME,
        "inside_socket": folder / INSIDE,
        "gateway_http": folder / GATEWAY_HTTP,
        "gateway_grpc": folder / GATEWAY_GRPC,
    }


def _rules(plan: FrontPlan, folder: Path) -> dict[str, object]:
    """Write who goes where, with what key and in which queue."""
    keys_map = folder / KEYS_MAP if plan.keys else None
    return {
        "cors": _joined(cors_lines(plan.outside)),
        "routes": _joined(route_lines(plan)),
        "inside_routes": _joined(inside_lines(plan)),
        "own_addresses": _joined(_own_address_lines(plan)),
        "model_backends": _joined(model_backend_lines(plan)),
        "any_model": ANY_MODEL,
        "http_limits": _joined(limit_lines(plan.outside)),
        "http_bodies": _joined(body_lines()),
        "long_bodies": _joined(long_body_lines()),
        "http_keys": _joined((*open_lines(), *key_lines(keys_map, IS_OPEN))),
        "grpc_keys": _joined(key_lines(keys_map, f"{{ path_beg {OPEN_GRPC} }}")),
        "grpc_open": _joined(open_grpc_lines()),
        "key_rates": _joined(rate_table_lines()),
        "admission": _admission(deadline_lines(is_checked=True), plan.max_requests),
        "inside_admission": _admission(deadline_lines(is_checked=False), plan.max_requests),
        "grpc_admission": _admission(grpc_deadline_lines(), plan.max_requests, max_waiting=0),
        "counting": _joined(counting_lines()),
        "tables": _joined(table_lines()),
    }


def _refusals(plan: FrontPlan) -> dict[str, object]:
    body = too_long(plan.outside.max_request_bytes)
    return {
        "own_errors": _joined(own_error_lines()),
        "refusals": _refused_by("http-request", plan, body),
        "late_refusals": _refused_by("http-response", plan, body),
        "bare_413": _joined(bare_413_lines(body)),
        "refused": _joined(refused_lines()),
        "forms": _joined(form_lines()),
    }


def _refused_by(rules: str, plan: FrontPlan, body: FrontRefusal) -> str:
    return _joined((*version_lines(rules, plan.versions), *refusal_lines(rules, (*REFUSALS, body))))


def _log(plan: FrontPlan, has_access_log: bool) -> dict[str, object]:
    names = {"http_log": plan.backends, "grpc_log": ()}
    return {name: _joined(log_lines(backends)) if has_access_log else "" for name, backends in names.items()}


def _max_connections(plan: FrontPlan) -> int:
    """As many as memory holds, and files are granted: each may take two. BerthError where too few are."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return plan.max_connections
    if files < FEWEST_FILES:
        raise BerthError(
            f"the front may open {files} files: raise the hard limit (ulimit -Hn) to {FEWEST_FILES} or more"
        )
    return min(plan.max_connections, (files - OTHER_FILES) // 2)


def _admission(deadline: Iterable[str], max_requests: int, max_waiting: int = MAX_WAITING) -> str:
    return _joined((*deadline, *admission_lines(max_requests, max_waiting), *learning_lines()))


def _own_address_lines(plan: FrontPlan) -> Iterator[str]:
    """Write the addresses of management and metrics, which the front passes on as they are, but for the model API."""
    for name in ("management", "metrics", "grpc_management"):
        outside, behind = getattr(plan.outside, name), getattr(plan.behind, name)
        is_grpc = name.startswith("grpc_")
        yield f"listen {name}"
        yield f"    bind {_bind(outside, None, 'h2' if is_grpc else '')}"
        if name == "management":
            yield from management_lines()
        yield f"    server torchserve {behind.address}{' proto h2' * is_grpc}"


def _bind(endpoint: Endpoint, certificate: Path | None, protocols: str) -> str:
    """An address as TorchServe understands it, whose 0.0.0.0 listens on IPv6 too; and how HTTP is spoken there."""
    address = endpoint.address
    if endpoint.host == "0.0.0.0":  # noqa: S104 - compared, not bound
        address = f":::{endpoint.port} v4v6"
    if certificate:
        return f"{address} ssl crt {certificate} alpn {protocols} {TLS_OPTIONS}"
    return f"{address} proto h2" if protocols == "h2" else address


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)
