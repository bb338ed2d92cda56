"""HAProxy's configuration: haproxy.cfg, filled in."""

import resource
from collections.abc import Iterable
from pathlib import Path
from string import Template

from ..endpoint import Endpoint
from .plan import MAX_GRPC_CALLS, FrontPlan
from .refusals import own_error_lines, refusal_lines
from .routes import inside_lines, model_backend_lines, route_lines

TEMPLATE = Path(__file__).with_name("haproxy.cfg")
INSIDE = "inside.sock"
RUNTIME = "haproxy.sock"
GATEWAY_HTTP = "gateway-http.sock"
GATEWAY_GRPC = "gateway-grpc.sock"
MAX_CONNECTIONS = 20_000  # fewer where the system grants fewer files: each may take two
OTHER_FILES = 200
PATIENCE_S = 30  # how long a request waits for its turn
GRACE_S = 60


def render_config(plan: FrontPlan, folder: Path) -> str:
    """Write the configuration of a front whose sockets lie in `folder`."""
    http, grpc = plan.behind.inference.address, plan.behind.grpc_inference.address
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        max_connections=max_connections(),
        threads=plan.threads,
        runtime_socket=folder / RUNTIME,
        grace_s=GRACE_S,
        patience_s=PATIENCE_S,
        own_errors=_joined(own_error_lines()),
        http_bind=_bind(plan.outside.inference),
        grpc_bind=_bind(plan.outside.grpc_inference),
        routes=_joined(route_lines(plan.models)),
        inside_socket=folder / INSIDE,
        inside_routes=_joined(inside_lines(plan.models)),
        model_backends=_joined(model_backend_lines(plan.models, http, plan.max_requests)),
        torchserve_http=http,
        torchserve_grpc=f"{grpc} maxconn {MAX_GRPC_CALLS}",
        gateway_http=folder / GATEWAY_HTTP,
        gateway_grpc=folder / GATEWAY_GRPC,
        refusals=_joined(refusal_lines()),
    )


def max_connections() -> int:
    """How many clients may be connected at once."""
    _, granted = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if granted == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, (granted - OTHER_FILES) // 2)


def _bind(endpoint: Endpoint) -> str:
    """An address as TorchServe understands it: its 0.0.0.0 listens on IPv6 too."""
    if endpoint.host == "0.0.0.0":  # noqa: S104 - compared, not bound
        return f":::{endpoint.port} v4v6"
    return endpoint.address


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)
