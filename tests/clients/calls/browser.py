"""A browser's fetch from a page of another origin: chromium, without a window."""

import contextlib
import html
import json
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "fetch in chromium"
# The page's text is the answer, or why there is none.
PAGE = """<!doctype html><body><script>
fetch(%(url)s, %(options)s)
  .then(answer => answer.text().then(text => ({status: answer.status, id: answer.headers.get("x-request-id"), text})))
  .catch(error => ({status: 0, text: String(error)}))
  .then(found => { document.body.textContent = JSON.stringify(found); document.title = "done"; });
</script></body>"""
BUDGET_MS = 20_000


def version() -> str:
    """Of the browser."""
    said = subprocess.run(["chromium", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[1]


@contextlib.contextmanager
def _page(origin: str, text: str) -> Iterator[None]:
    """Serves one page at an origin of this machine."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    place = urlsplit(origin)
    with HTTPServer((place.hostname or "", place.port or 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def _fetch(origin: Callable[[Place], str], path: str, **options: Any) -> Callable[[Place], Any]:
    def ask(place: Place) -> Any:
        url = json.dumps(place.url + path.format(model=place.model))
        with _page(origin(place), PAGE % {"url": url, "options": json.dumps(options)}):
            found = _open(origin(place))
        if found["status"] != 200:
            raise RuntimeError(f"{found['status'] or ''} {found['text']}")
        return json.loads(found["text"])

    return ask


def _open(url: str) -> Any:
    """The JSON that the page wrote into itself."""
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", f"--user-data-dir={profile}"]
        command = ["chromium", *flags, f"--virtual-time-budget={BUDGET_MS}", "--dump-dom", url]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    body = re.search(r"<body>(.*)</body>", ran.stdout, re.DOTALL)
    assert body, ran.stdout
    return json.loads(html.unescape(body[1]))


JSON: dict[str, Any] = {
    "method": "POST",
    "headers": {"content-type": "application/json"},
    "body": json.dumps({"inputs": TEXTS}),
}
KEYED: dict[str, Any] = {**JSON, "headers": {**JSON["headers"], "authorization": "Bearer none"}}
CALLS = [
    Call(
        name="JSON, from the origin of cors_allowed_origin",
        ask=_fetch(lambda place: place.origin, "/predictions/{model}", **JSON),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="the same with an Authorization header",
        ask=_fetch(lambda place: place.origin, "/predictions/{model}", **KEYED),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="an error's body can be read",
        ask=_fetch(lambda place: place.origin, "/predictions/{model}", **{**JSON, "body": '{"inputs": 5}'}),
        refused="^422 .*inputs",
    ),
    Call(
        name="from another origin, which the browser refuses",
        ask=_fetch(lambda place: place.origin.replace("127.0.0.1", "localhost"), "/predictions/{model}", **JSON),
        refused="Failed to fetch",
    ),
]
