"""Which backend a path belongs to, as rules of HAProxy: frontends choose by the client's path, backends rewrite it."""

from collections.abc import Iterator, Sequence

from handler.doors.paths import ROOT_PATHS

from ..archive.served_model import ServedModel
from .plan import Backend, FrontPlan, backend_of

SMALL_BYTES = 1024  # so short a body has no more inputs than one request may have: the gateway need not count
EMBEDDINGS = "/v1/embeddings"
AT_ROOT = tuple(f"/{path.url_path}" for path in ROOT_PATHS)


def route_lines(plan: FrontPlan) -> Iterator[str]:
    """Write how the frontend for HTTP chooses; a request that needs translation goes to the gateway."""
    yield from _named_lines(plan)
    yield f"    acl at_root path {' '.join(AT_ROOT)}"
    if len(plan.models) == 1:
        yield f"    http-request set-var(txn.model) str({plan.models[0].name}) if at_root"
        yield f"    http-request set-var(txn.to) str({backend_of(plan.models[0])}) if at_root"
    yield from _beside_lines(plan)
    if len(plan.models) == 1:
        yield _to_gateway(f"{{ path {EMBEDDINGS} }} !{{ req.hdr_val(content-length) 1:{SMALL_BYTES} }}")
    else:
        yield _to_gateway("at_root")
    yield _to_gateway("{ path /v1/models /v2 /v2/ /health } or { path_beg /v2/health/ }")
    yield _to_gateway("{ path /ui /docs /openapi.json } or { path_beg /ui/ }")
    yield _to_gateway("{ path_beg /v2/models/ } { path_end /ready }")
    yield _to_gateway("{ method GET HEAD } { path_beg /v1/models/ } !{ path -m sub : }")
    for model in plan.models:
        yield f"    http-request set-var(txn.refusal) str(version) if {_other_version(model, plan.backends_beside)}"


def inside_lines(plan: FrontPlan) -> Iterator[str]:
    """Write how paths that name a model choose its backend, which is all that the gateway asks for."""
    yield from _named_lines(plan)
    yield from _beside_lines(plan)


def model_backend_lines(plan: FrontPlan) -> Iterator[str]:
    """Write a backend for each model, so that each has a queue of its own."""
    for backend in (*plan.own_backends, *plan.backends_beside):
        yield f"backend {backend.name}"
        yield from _rewrite_lines(backend.model)
        yield f"    server torchserve {backend.address} maxconn {plan.max_requests}"


def _named_lines(plan: FrontPlan) -> Iterator[str]:
    read = "path,url_dec"  # as TorchServe reads it
    for field, begins in (
        ("field(3,/)", "/predictions/ /explanations/"),
        ("field(4,/),field(1,:)", "/v1/models/ /v2/models/"),
    ):
        yield f"    http-request set-var(txn.model) {read},{field} if {{ {read} -m beg {begins} }}"
    for backend in plan.own_backends:
        yield f"    http-request set-var(txn.to) str({backend.name}) if {_is_for(backend.model)}"


def _beside_lines(plan: FrontPlan) -> Iterator[str]:
    """Write what goes to versions beside: a share of what names no version, and what names theirs."""
    if plan.beside is None:
        return
    in_v2 = "{ path_beg /v2/models/ } { path,url_dec,field(5,/) -m str versions }"
    yield "    http-request set-var(txn.asked) path,url_dec,field(4,/) if { path_beg /predictions/ /explanations/ }"
    yield f"    http-request set-var(txn.asked) path,url_dec,field(6,/) if {in_v2}"
    own = {backend.model.name: backend for backend in plan.own_backends}
    for backend in plan.backends_beside:
        to_it, is_for = f"    http-request set-var(txn.to) str({backend.name}) if", _is_for(backend.model)
        version = f"{{ var(txn.asked) -m str {backend.model.version} }}"
        is_other = own[backend.model.name].model.version != backend.model.version
        if plan.beside.percent:
            unnamed = f"!{{ var(txn.asked) -m str {own[backend.model.name].model.version} }}" if is_other else ""
            yield f"{to_it} {is_for} {{ rand(100) lt {plan.beside.percent} }} {unnamed}".rstrip()
        if is_other:
            yield f"{to_it} {is_for} {version}"


def _is_for(model: ServedModel) -> str:
    return f"{{ var(txn.model) -m str {model.name} }}"


def _to_gateway(when: str) -> str:
    return f"    http-request set-var(txn.to) str(gateway) if {when}"


def _other_version(model: ServedModel, beside: Sequence[Backend]) -> str:
    base = f"/v2/models/{model.name}/versions/"
    versions = [model.version, *(each.model.version for each in beside if each.model.name == model.name)]
    known = " ".join(f"!{{ path {base}{each} }} !{{ path_beg {base}{each}/ }}" for each in versions)
    return f"{{ path_beg {base} }} {known}"


def _rewrite_lines(model: ServedModel) -> Iterator[str]:
    """TorchServe has no address with v2's version, no metadata of a model, and nothing at the root."""
    base, version, home = f"/v2/models/{model.name}", f"/versions/{model.version}", f"/predictions/{model.name}"
    in_v2 = "{ path_beg /v2/models/ }"
    yield "    acl named path_beg /predictions/ /explanations/ /v1/models/ /v2/models/"
    yield f"    http-request set-path {home}/{model.version}%[path] if !named"
    yield f"    http-request set-path {home}/{model.version}/v2 if {in_v2} {{ path {base} {base}{version} }}"
    yield f"    http-request replace-path {base}{version}/(infer|explain) {base}/\\1 if {in_v2}"
