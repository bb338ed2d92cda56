"""The same closed loop by wrk, a load generator that many keep: a check of what our own one counts."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from berth.errors import BerthError

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies, at = {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do bodies[#bodies + 1] = line end
end
function request()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
"""


def find_wrk() -> str | None:
    """Where wrk is; None where it is not installed (Debian has it as `wrk`)."""
    return shutil.which("wrk")


def count_by_wrk(wrk: str, url: str, bodies: Sequence[bytes], clients: int, seconds: float) -> float:
    """Requests/s that wrk counts, from one thread, the bodies in turn; BerthError where some were not answered well."""
    with tempfile.TemporaryDirectory(prefix="peer-wrk-") as folder:
        script, lines = Path(folder, "post.lua"), Path(folder, "bodies")
        script.write_text(SCRIPT, "utf-8")
        lines.write_bytes(b"\n".join(bodies) + b"\n")
        load = [f"-c{clients}", "-t1", f"-d{max(1, round(seconds))}s", "--timeout", "60s"]
        command = [wrk, *load, "-s", str(script), url, "--", str(lines)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return read_rate(said)


def read_rate(said: str) -> float:
    """The requests/s in what wrk prints."""
    found = re.search(r"^Requests/sec:\s+([\d.]+)$", said, re.MULTILINE)
    wrong = re.search(r"^\s*(Non-2xx or 3xx responses|Socket errors): .*$", said, re.MULTILINE)
    if wrong or not found:
        raise BerthError(f"wrk found errors: {wrong[0].strip() if wrong else json.dumps(said)}")
    return float(found[1])
