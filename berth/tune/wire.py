"""HTTP/1.1 as a load generator writes and reads it: as few steps as will do. Pure."""

from collections.abc import Mapping


def format_head(host: str, path: str, headers: Mapping[str, str]) -> bytes:
    """An HTTP/1.1 request's head up to the length of its body."""
    lines = {"Host": host, "Content-Type": "application/json", **headers}
    return "\r\n".join((f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "")).encode()


def format_request(head: bytes, body: bytes) -> bytes:
    """A whole request."""
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


def parse_head(head: bytes) -> tuple[int, int | None]:
    """Read the status and content length, None in chunks, of an HTTP/1.1 answer's head; ValueError when it is none."""
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    return int(status_line.partition(" ")[2][:3]), None if is_chunked else int(headers.get("content-length", "0"))
