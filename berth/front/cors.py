"""CORS: which pages of other origins a browser lets ask, as rules of HAProxy."""

from collections.abc import Iterator

from ..settings import Settings

EXPOSED = "x-request-id, retry-after, inference-header-content-length"
MAX_AGE_S = 600  # how long a browser remembers that it may ask
ALL = ("*",)


def cors_lines(settings: Settings) -> Iterator[str]:
    """Write how preflight requests are answered, before a key is asked for: browsers send none with them."""
    if not settings.cors_origins:
        return
    found = "{ var(txn.origin) -m found }"
    asked = "{ req.hdr(access-control-request-method) -m found }"
    headers = settings.cors_headers or "%[req.fhdr(access-control-request-headers)]"
    yield f"    http-request set-var(txn.origin) {_allowed(settings.cors_origins)}"
    yield f"    http-after-response set-header access-control-allow-origin %[var(txn.origin)] if {found}"
    yield f'    http-after-response set-header access-control-expose-headers "{EXPOSED}" if {found}'
    if settings.cors_origins != ALL:
        yield "    http-after-response add-header vary origin"
    yield (
        f'    http-request return status 204 hdr access-control-allow-methods "{settings.cors_methods}" '
        f'hdr access-control-allow-headers "{headers}" hdr access-control-max-age {MAX_AGE_S} '
        f"if {{ method OPTIONS }} {asked} {found}"
    )


def _allowed(origins: tuple[str, ...]) -> str:
    if "*" in origins:
        return "str(*) if { req.hdr(origin) -m found }"
    return f"req.hdr(origin) if {{ req.hdr(origin) -m str {' '.join(origins)} }}"
