"""`make bench`: berth beside the way of TorchServe's own Hugging Face example, as tables and as one line of JSON."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from berth.errors import BerthError

from .machine import describe_run
from .report import raw_latencies, to_document, to_page, to_tables
from .serving import Effort, run_rounds, settings_of

COMMAND = "python -m bench"


def main(
    output: Annotated[
        Path | None, typer.Option(help="Write a Markdown page here, and its JSON with all latencies beside it.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every way once.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of measuring per way and round.")] = 15.0,
) -> None:
    """Measure requests per second through a real TorchServe: about 8 minutes on 2 cores. Progress goes to stderr."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is ended too
    effort = Effort(rounds=rounds, warm_up_s=3.0, duration_s=seconds)
    facts, settings = describe_run(" ".join((COMMAND, *sys.argv[1:]))), settings_of(effort)
    try:
        figures = run_rounds(effort, lambda line: sys.stderr.write(f"bench: {line}\n"))
    except BerthError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    document = to_document(facts, settings, figures)
    if output:
        output.write_text(to_page(facts, settings, figures) + "\n", encoding="utf-8")
        raw = {**document, "latencies_ms": raw_latencies(figures)}
        output.with_suffix(".json").write_text(json.dumps(raw) + "\n", encoding="utf-8")
    print(to_tables(figures))
    print(json.dumps(document))


if __name__ == "__main__":
    typer.run(main)
