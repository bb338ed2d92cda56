"""`python -m bench.heads`: what do 20 classifiers on one BERT-base take, beside two archives of one classifier each?

BERT-base of seeded random weights; every head has a pooler and a classifier of its own. Each server runs one worker for
an archive and is asked by all its heads; then the proportional set size of its processes is read (a page that n of them
share counts 1/n each). Goal: 20 heads in less than two archives take.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import psutil
import typer

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.support.servers import Server, running_server

from ..machine import describe_run
from .siblings import make_siblings

COMMAND = "python -m bench.heads"
SCHEMA_VERSION = 1
MIB = 2**20
TEXT = "The harbour master gives a berth to a ship before she arrives, by her length and her draught. " * 4
Figures = dict[str, dict[str, float]]
"""MiB of all processes of a server, and of its workers with what forks them, by what it serves."""


def main(heads: Annotated[int, typer.Option(min=2, help="How many classifiers.")] = 20) -> None:
    """Pack and serve them: about 5 minutes and 2 GB in the working folder. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-heads-") as work:
        folders = make_siblings(Path(work) / "checkpoints", heads)
        figures = measure(folders, Path(work) / "store")
    print(to_table(figures))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "heads", **facts, "mib": figures}))


def measure(folders: Sequence[Path], store: Path) -> Figures:
    """Serve all in one archive, and one and two of them in archives of their own."""
    first, *others = folders
    given = tuple((folder.name, str(folder)) for folder in others)
    together = pack_checkpoint(first, PackOptions(output=store, name="together", heads=given)).archive
    alone = [pack_checkpoint(folder, PackOptions(output=store)).archive for folder in folders[:2]]
    names = [None, *(folder.name for folder in others)]
    return {
        f"{len(folders)} heads in one archive": _serve([together], names),
        "one archive of one": _serve(alone[:1], [None]),
        "two archives of one each": _serve(alone, [None]),
    }


def _serve(archives: Sequence[Path], heads: Sequence[str | None]) -> dict[str, float]:
    """Ask each archive's heads, and return the MiB that the server takes then."""
    with running_server(archives) as server:
        for archive in archives:
            for head in heads:
                _ask(server, archive.stem, head)
        found = {"all": _pss_mib(server, ()), "workers": _pss_mib(server, ("java",))}
    sys.stderr.write(f"bench: {', '.join(archive.stem for archive in archives)}: {found}\n")
    return found


def _ask(server: Server, model: str, head: str | None) -> None:
    import requests  # noqa: PLC0415 - `--help` answers at once

    body = {"inputs": [TEXT] * 8, "parameters": {"head": head, "top_k": None}}
    requests.post(f"{server.inference_url}/predictions/{model}", json=body, timeout=120).raise_for_status()


def _pss_mib(server: Server, left_out: Sequence[str]) -> float:
    """PSS of the launcher's whole family; without java, and then without the launcher, of the workers alone."""
    launcher = psutil.Process(server.process.pid)
    family = [*([] if left_out else [launcher]), *launcher.children(recursive=True)]
    return round(sum(each.memory_full_info().pss for each in family if each.name() not in left_out) / MIB, 1)


def to_table(figures: Figures) -> str:
    """The figures for people, in Markdown."""
    rows = [f"| {name} | {found['all']:.0f} | {found['workers']:.0f} |" for name, found in figures.items()]
    together, *_, two = (found["all"] for found in figures.values())
    verdict = f"All heads in one archive take {together / two:.2f} of what two archives take (goal: under 1)."
    head = "| served | MiB of all processes (PSS) | MiB without java and launcher |\n|---|---|---|"
    return "\n".join((head, *rows, "", verdict))


if __name__ == "__main__":
    typer.run(main)
