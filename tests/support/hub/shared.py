"""One stand-in for all that a process packs: the commands that it starts find it by their environment."""

import atexit
import os
import shutil
import tempfile
from functools import cache

from .server import Hub, running_hub


@cache
def shared_hub() -> Hub:
    """A Hub that runs until this process ends; HF_ENDPOINT leads to it, and HF_HOME is a folder that goes with it."""
    hub = running_hub()
    home = tempfile.mkdtemp(prefix="berth-hub-")
    shared = hub.__enter__()
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(hub.__exit__, None, None, None)
    os.environ.update({"HF_ENDPOINT": shared.url, "HF_HOME": home})
    return shared
