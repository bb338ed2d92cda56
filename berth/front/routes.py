"""Which backend a path belongs to, as rules of HAProxy: frontends choose by the client's path, backends rewrite it."""

from collections.abc import Iterator, Sequence

from handler.doors.paths import INFER, ROOT_PATHS

from ..archive.served_model import ServedModel
from .plan import SERVER, Backend, FrontPlan

SMALL_BYTES = 1024  # so short a body has no more inputs than one request may have: the gateway need not count
EMBEDDINGS = "/v1/embeddings"
METADATA = "'^/v2/models/[^/]+(/versions/[^/]+)?$'"
AT_ROOT = tuple(f"/{path.url_path}" for path in ROOT_PATHS)


def route_lines(plan: FrontPlan) -> Iterator[str]:
    """Write how the frontend for HTTP chooses; a request that needs translation goes to the gateway."""
    yield from _named_lines(plan)
    yield f"    acl at_root path {' '.join(AT_ROOT)}"
    is_alone = len(plan.defaults) == 1
    if is_alone:
        yield f"    http-request set-var(txn.model) str({plan.defaults[0].model.name}) if at_root"
        yield f"    http-request set-var(txn.to) str({plan.defaults[0].name}) if at_root"
    yield from _version_lines(plan)
    if is_alone:
        yield _to_gateway(f"{{ path {EMBEDDINGS} }} !{{ req.hdr_val(content-length) 1:{SMALL_BYTES} }}")
    else:
        yield _to_gateway("at_root")
    yield _to_gateway("{ path /v1/models /v2 /v2/ /health } or { path_beg /v2/health/ }")
    yield _to_gateway("{ path /ui /docs /openapi.json } or { path_beg /ui/ }")
    yield _to_gateway("{ path_beg /v2/models/ } { path_end /ready }")
    yield _to_gateway(f"{{ path -m reg {METADATA} }}")
    yield _to_gateway("{ method GET HEAD } { path_beg /v1/models/ } !{ path -m sub : }")
    for name, versions in plan.versions.items():
        yield f"    http-request set-var(txn.refusal) str(version) if {_is_unknown(name, versions)}"


def inside_lines(plan: FrontPlan) -> Iterator[str]:
    """Write how paths that name a model choose its backend, which is all that the gateway asks for."""
    yield from _named_lines(plan)
    yield from _version_lines(plan)


def model_backend_lines(plan: FrontPlan) -> Iterator[str]:
    """Write a backend for each version of a model, so that each has a queue of its own."""
    for backend in plan.backends:
        yield f"backend {backend.name}"
        yield from _rewrite_lines(backend.model, is_default=backend not in plan.others)
        yield f"    server {SERVER} {backend.address} maxconn {plan.max_at_start or plan.max_requests}"


def _named_lines(plan: FrontPlan) -> Iterator[str]:
    read = "path,url_dec"  # as TorchServe reads it
    for field, begins in (
        ("field(3,/)", "/predictions/ /explanations/"),
        ("field(4,/),field(1,:)", "/v1/models/ /v2/models/"),
    ):
        yield f"    http-request set-var(txn.model) {read},{field} if {{ {read} -m beg {begins} }}"
    for backend in plan.defaults:
        yield f"    http-request set-var(txn.to) str({backend.name}) if {_is_for(backend.model)}"


def _version_lines(plan: FrontPlan) -> Iterator[str]:
    """Write what goes to other versions: what names them, and to those beside a share of what names none.

    What names a version that is not there goes past all of them, and counts as no answer of theirs.
    """
    in_v2 = "{ path_beg /v2/models/ } { path,url_dec,field(5,/) -m str versions }"
    yield "    acl own_door path_beg /predictions/ /explanations/"
    yield "    http-request set-var(txn.asked) path,url_dec,field(4,/) if own_door"
    yield f"    http-request set-var(txn.asked) path,url_dec,field(6,/) if {in_v2}"
    own = {model.path for model in plan.models}
    for backend in plan.backends_beside:
        if plan.beside and plan.beside.percent:
            yield f"{_to(backend)} {{ rand(100) lt {plan.beside.percent} }} {_names_none(backend, plan)}".rstrip()
    for backend in (*plan.others, *plan.backends_beside):
        if backend in plan.others or backend.model.path not in own:
            yield f"{_to(backend)} {{ var(txn.asked) -m str {backend.model.version} }}"
    for name, versions in plan.versions.items():
        is_unknown = f"{{ var(txn.asked),length gt 0 }} !{{ var(txn.asked) -m str {' '.join(versions)} }}"
        yield f"    http-request unset-var(txn.to) if own_door {{ var(txn.model) -m str {name} }} {is_unknown}"


def _to(backend: Backend) -> str:
    return f"    http-request set-var(txn.to) str({backend.name}) if {_is_for(backend.model)}"


def _names_none(beside: Backend, plan: FrontPlan) -> str:
    """The condition that no version is named which the live TorchServe alone has."""
    name, version = beside.model.name, beside.model.version
    own = " ".join(model.version for model in plan.models if model.name == name and model.version != version)
    return f"!{{ var(txn.asked) -m str {own} }}" if own else ""


def _is_for(model: ServedModel) -> str:
    return f"{{ var(txn.model) -m str {model.name} }}"


def _to_gateway(when: str) -> str:
    return f"    http-request set-var(txn.to) str(gateway) if {when}"


def _is_unknown(name: str, versions: Sequence[str]) -> str:
    return f"{{ path_beg /v2/models/{name}/versions/ }} !{{ path,field(6,/) -m str {' '.join(versions)} }}"


def _rewrite_lines(model: ServedModel, *, is_default: bool) -> Iterator[str]:
    """TorchServe has no address with v2's version, and nothing at the root.

    What names no version is asked by this one: TorchServe's own default is another while `berth default` changes it.
    """
    base, version, home = f"/v2/models/{model.name}", f"/versions/{model.version}", f"/predictions/{model.path}"
    in_v2 = "{ path_beg /v2/models/ }"
    yield "    acl named path_beg /predictions/ /explanations/ /v1/models/ /v2/models/"
    yield f"    http-request set-path {home}%[path] if !named"
    for door in ("predictions", "explanations"):
        bare = f"/{door}/{model.name}"
        yield f"    http-request set-path /{door}/{model.path} if {{ path,url_dec -m str {bare} {bare}/ }}"
    if is_default:
        yield f"    http-request replace-path {base}{version}/(infer|explain) {base}/\\1 if {in_v2}"
        return
    yield f"    http-request set-path {home}/{INFER} if {{ path {base}{version}/infer }}"
    yield f"    http-request set-path /explanations/{model.path}/{INFER} if {{ path {base}{version}/explain }}"
