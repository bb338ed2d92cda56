"""`python -m tests.clients.asking CLIENT`: its calls in this Python; places come as JSON, rows go as JSON lines."""

import importlib
import json
import sys
from dataclasses import asdict

from .call import make_row
from .place import Place


def main() -> None:
    """Make every call whose server is among the places."""
    rows_to, sys.stdout = sys.stdout, sys.stderr  # some packages print
    client = importlib.import_module(f"{__package__}.calls.{sys.argv[1]}")
    places = {name: Place(**{**said, "models": tuple(said["models"])}) for name, said in json.load(sys.stdin).items()}
    version = client.version()
    for call in client.CALLS:
        if call.at in places:
            row = make_row(client.CLIENT, version, call, places[call.at])
            print(json.dumps(asdict(row)), file=rows_to, flush=True)


if __name__ == "__main__":
    main()
