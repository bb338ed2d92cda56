"""Which backend a path belongs to, as rules of HAProxy: frontends choose by the client's path, backends rewrite it."""

from collections.abc import Iterator, Sequence

from handler.doors.paths import ROOT_PATHS

from ..archive.served_model import ServedModel

SMALL_BYTES = 1024  # so short a body has no more inputs than one request may have: the gateway need not count
EMBEDDINGS = "/v1/embeddings"
AT_ROOT = tuple(f"/{path.url_path}" for path in ROOT_PATHS)


def route_lines(models: Sequence[ServedModel]) -> Iterator[str]:
    """Write how the frontend for HTTP chooses; a request that needs translation goes to the gateway."""
    yield from inside_lines(models)
    yield f"    acl at_root path {' '.join(AT_ROOT)}"
    if len(models) == 1:
        yield f"    http-request set-var(txn.model) str({models[0].name}) if at_root"
        yield f"    http-request set-var(txn.to) str({backend_of(models[0])}) if at_root"
        yield _to_gateway(f"{{ path {EMBEDDINGS} }} !{{ req.hdr_val(content-length) 1:{SMALL_BYTES} }}")
    else:
        yield _to_gateway("at_root")
    yield _to_gateway("{ path /v1/models /v2 /v2/ /health } or { path_beg /v2/health/ }")
    yield _to_gateway("{ path_beg /v2/models/ } { path_end /ready }")
    yield _to_gateway("{ method GET HEAD } { path_beg /v1/models/ } !{ path -m sub : }")
    for model in models:
        yield f"    http-request set-var(txn.refusal) str(version) if {_other_version(model)}"


def inside_lines(models: Sequence[ServedModel]) -> Iterator[str]:
    """Write how paths that name a model choose its backend, which is all that the gateway asks for."""
    read = "path,url_dec"  # as TorchServe reads it
    for field, begins in (
        ("field(3,/)", "/predictions/ /explanations/"),
        ("field(4,/),field(1,:)", "/v1/models/ /v2/models/"),
    ):
        yield f"    http-request set-var(txn.model) {read},{field} if {{ {read} -m beg {begins} }}"
    for model in models:
        yield f"    http-request set-var(txn.to) str({backend_of(model)}) if {{ var(txn.model) -m str {model.name} }}"


def model_backend_lines(models: Sequence[ServedModel], address: str, max_requests: int) -> Iterator[str]:
    """Write a backend for each model, so that each has a queue of its own."""
    for model in models:
        yield f"backend {backend_of(model)}"
        yield from _rewrite_lines(model)
        yield f"    server torchserve {address} maxconn {max_requests}"


def backend_of(model: ServedModel) -> str:
    """Name a model's backend; a model's name has no character that HAProxy does not take."""
    return f"model-{model.name}"


def _to_gateway(when: str) -> str:
    return f"    http-request set-var(txn.to) str(gateway) if {when}"


def _other_version(model: ServedModel) -> str:
    base = f"/v2/models/{model.name}/versions/"
    return f"{{ path_beg {base} }} !{{ path {base}{model.version} }} !{{ path_beg {base}{model.version}/ }}"


def _rewrite_lines(model: ServedModel) -> Iterator[str]:
    """TorchServe has no address with v2's version, no metadata of a model, and nothing at the root."""
    base, version, home = f"/v2/models/{model.name}", f"/versions/{model.version}", f"/predictions/{model.name}"
    in_v2 = "{ path_beg /v2/models/ }"
    yield "    acl named path_beg /predictions/ /explanations/ /v1/models/ /v2/models/"
    yield f"    http-request set-path {home}/{model.version}%[path] if !named"
    yield f"    http-request set-path {home}/{model.version}/v2 if {in_v2} {{ path {base} {base}{version} }}"
    yield f"    http-request replace-path {base}{version}/(infer|explain) {base}/\\1 if {in_v2}"
