"""`make scan`: what containers of the image answer to somebody from outside who has no key, as tables."""

import json
import os
import sys

from bench.machine import describe_run

from .podman import choose_runtime, started_container
from .scan import KEYS, scan


def main(image: str) -> None:
    """Print the tables, and of which run they are."""
    choose_runtime()
    with started_container(image) as unlocked, started_container(image, *KEYS) as locked:
        for container in (unlocked, locked):
            container.wait_until_ready()
        sys.stdout.writelines(f"{line}\n" for line in scan(unlocked.outside, locked.outside))
    sys.stdout.write(json.dumps({"schema_version": 1, **describe_run("make scan")}) + "\n")


if __name__ == "__main__":
    main(os.environ.get("IMAGE") or "localhost/berth")
