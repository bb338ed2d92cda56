"""Which HAProxy there is."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

OLDEST = (2, 6)  # Debian 12's, which was tested
ASK_S = 10.0


def find_haproxy(path: str | None = None) -> tuple[Path | None, str]:
    """Find an HAProxy that is new enough on PATH, or say why there is none; `path` replaces PATH."""
    found = shutil.which("haproxy", path=path)
    if found is None:
        return None, "haproxy is not installed"
    version = haproxy_version(Path(found))
    if version < OLDEST:
        shown = ".".join(str(number) for number in version) or "of an unknown version"
        return None, f"{found} is {shown}, older than {OLDEST[0]}.{OLDEST[1]}"
    return Path(found), ""


@cache
def haproxy_version(executable: Path) -> tuple[int, ...]:
    """Ask it once for its version, such as (2, 6); () when it does not say."""
    try:
        ran = subprocess.run([executable, "-v"], capture_output=True, text=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(r"version (\d+)\.(\d+)", ran.stdout)
    return tuple(int(number) for number in match.groups()) if match else ()
