"""`python -P -m berth.pack.precision.answers`: an unpacked archive's answers to many inputs, and how long they take it.

It reads a JSON object from stdin, `folder`, `inputs` and `parameters`, and writes one as its last line: `results`, in
order, and `seconds`, of all inputs in one request.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path

from ...workers.fork_server import preload
from ..prove import ask, check_origin, load_service

TRIES = 3  # of which the fastest counts: others use the machine too


def main() -> None:
    """Exit with the first answer that is none."""
    preload()
    asked = json.loads(sys.stdin.read())
    folder = Path(asked["folder"])
    service = load_service(folder)
    check_origin(folder)
    ask_for = partial(ask, service, asked["parameters"])
    results = [json.loads(ask_for([item]))[0] for item in asked["inputs"]]
    seconds = []
    for _ in range(TRIES):
        began_s = time.perf_counter()
        ask_for(asked["inputs"])
        seconds.append(time.perf_counter() - began_s)
    sys.stdout.write(f"\n{json.dumps({'results': results, 'seconds': min(seconds)})}\n")


if __name__ == "__main__":
    main()
