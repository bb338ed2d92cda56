"""`python -P -m berth.pack.prove`: loads the archive whose folder stdin names, by TorchServe's own loader, and asks it.

It imports what a handler needs while the archive is still being written, then waits to be told where it lies. It exits
with 0 when the archive gives all its known answers, which a worker asks for in part only, and answers one request; the
last word on stdout is then the engine that gave them.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from ..archive.content import HANDLER, KNOWN_ANSWERS
from ..workers.fork_server import preload

HEADERS = {"content-type": "application/json", "explain": "False", "url_path": ""}
"""Of a request to /predictions/{model}, with what TorchServe adds."""


def main() -> None:
    """Exit with what is wrong with the archive, if anything is."""
    preload()
    folder = Path(sys.stdin.readline().removesuffix("\n"))
    service = load_service(folder)
    check_origin(folder)
    engine = service._entry_point.__self__.prove()
    ask_first_input(service, folder)
    sys.stdout.write(f"\n{engine}\n")


def load_service(folder: Path) -> Any:
    """The archive as a worker loads it: in its folder, with its handler before any other."""
    from ts.model_loader import ModelLoaderFactory  # noqa: PLC0415 - what a worker imports is preloaded quickly

    os.chdir(folder)
    sys.path.insert(0, str(folder))
    return ModelLoaderFactory.get_model_loader().load("proof", str(folder), HANDLER, None, 1)


def check_origin(folder: Path) -> None:
    """Exit when the handler is not the archive's own, but berth's."""
    import handler  # noqa: PLC0415 - the archive's

    source = Path(handler.__path__[0]).resolve()
    if not source.is_relative_to(folder.resolve()):
        sys.exit(f"the handler was imported from {source}, not from the archive")


def ask_first_input(service: Any, folder: Path) -> None:
    """Send the first known input through the handler as a request."""
    known = json.loads((folder / KNOWN_ANSWERS).read_text("utf-8"))
    ask(service, known["parameters"], known["inputs"][0])


def ask(service: Any, parameters: object, inputs: object) -> bytes:
    """Send a request through the handler and return the answer's body; exit unless its status is 200."""
    from ts.context import RequestProcessor  # noqa: PLC0415

    body = json.dumps({"inputs": inputs, "parameters": parameters}).encode()
    context = service.context
    context.request_ids = {0: "proof"}
    context.request_processor = [RequestProcessor(HEADERS)]
    answers = service._entry_point([{"body": body}], context)
    status = context.get_response_status(0)[0]
    if len(answers) != 1 or status != 200:
        sys.exit(f"status {status}: {answers}")
    answer: bytes = answers[0]
    return answer


if __name__ == "__main__":
    main()
