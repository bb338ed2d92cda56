"""`make gpu-check`: every part on one GPU of this machine, each in a process of its own, then one JSON and one page.

Parts that ran earlier on the same card into the same output folder stay on the page, so that they can be run in
turn. Without a GPU it says so; `--device cpu --small` runs the same code in a small form.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from ..machine import describe_run
from .card import Card, find_card
from .parts import PARTS
from .report import SCHEMA_VERSION, judge, to_page
from .scene import Figure, read_notes

GRACE_S = 60.0  # a server that drains, and its workers
NO_GPU = "skipped: torch sees no CUDA device here (`--device cpu --small` runs the same code, and measures nothing)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for; 1 if one failed."""
    options = _parser().parse_args(arguments)
    device = options.device or ("cuda" if _has_gpu() else None)
    if device is None:
        print(NO_GPU)
        return 0
    card = _find_card() if device == "cuda" else None
    options.output.mkdir(parents=True, exist_ok=True)
    names = options.parts or PARTS
    states = [_run_part(name, device, card, options.output, is_small=options.small) for name in names]
    document = to_document(device, card, options.output, options.commit, is_small=options.small)
    page = to_page(document)
    (options.output / "gpu.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (options.output / "gpu.md").write_text(page, encoding="utf-8")
    print(page)
    print(f"written: {options.output / 'gpu.json'} and {options.output / 'gpu.md'}", file=sys.stderr)
    return int(any(state not in {"done", "skipped"} for state in states))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], help="default: cuda, where torch sees one")
    parser.add_argument("--small", action="store_true", help="a small model and seconds: tries the parts themselves")
    parser.add_argument("--output", type=Path, default=Path("gpu-results"), help="default: %(default)s")
    parser.add_argument("--commit", help="what is measured, where git cannot say it")
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help=f"of {', '.join(PARTS)}")
    return parser


def _has_gpu() -> bool:
    """Asked in a process that ends: a context would stay on the card that is measured."""
    program = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _find_card() -> Card | None:
    """The card to measure, said on stderr. What nvidia-smi cannot tell the memory of ends this with a sentence."""
    try:
        card = find_card(os.environ)
    except ValueError as error:
        sys.exit(f"{error}: name in CUDA_VISIBLE_DEVICES a whole GPU with memory of its own")
    if card:
        print(f"measuring {card.name}: {card.place}", file=sys.stderr, flush=True)
    return card


def _run_part(name: str, device: str, card: Card | None, output: Path, *, is_small: bool) -> str:
    """Run a part within its time; what it noted is kept, whatever comes of it. Returns its state."""
    part, notes = PARTS[name], output / f"{name}.notes"
    notes.unlink(missing_ok=True)
    print(f"\n== {name}: {part.title} (at most {part.limit_s:.0f} s)", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.gpu.part", name, device, str(notes), *(["small"] if is_small else [])]
    environ = {**os.environ, "TOKENIZERS_PARALLELISM": "true", **(card.variables if card else {})}
    began_s = time.monotonic()
    process = subprocess.Popen(command, stdout=sys.stderr, env=environ)
    try:
        code = process.wait(part.limit_s)
        state = "done" if code == 0 else f"ended with exit code {code}"
    except subprocess.TimeoutExpired:
        state = f"ended after its {part.limit_s:.0f} s"
    finally:
        _end(process)
    state = _settle(state, notes)
    seconds = round(time.monotonic() - began_s, 1)
    result = {"name": name, "state": state, "seconds": seconds, **_setting(device, card, is_small=is_small)}
    (output / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")
    print(f"== {name}: {state}, {seconds} s", file=sys.stderr, flush=True)
    return state


def _setting(device: str, card: Card | None, *, is_small: bool) -> dict[str, object]:
    """What parts on one page have in common."""
    return {"device": device, "gpu": card.uuid if card else "", "is_small": is_small}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a part and what it started, which sits in sessions of its own."""
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        for each in (*family, psutil.Process(process.pid)):
            if each.is_running():
                each.kill()
        process.wait()


def _settle(state: str, notes: Path) -> str:
    lines = list(read_notes(notes))
    if state == "done" and any("failure" in line for line in lines):
        return "failed"
    return "skipped" if state == "done" and not any("value" in line for line in lines) else state


def to_document(
    device: str, card: Card | None, output: Path, commit: str | None, *, is_small: bool
) -> dict[str, object]:
    """All that the output folder has of this card and form: a trial on a CPU or another card is not on its page."""
    found = [_read_part(output, name) for name in PARTS if (output / f"{name}.json").is_file()]
    setting = _setting(device, card, is_small=is_small)
    parts = [part for part in found if part.items() >= setting.items()]
    figures = {each["name"]: each["value"] for part in parts for each in part["figures"]}
    return {
        "schema_version": SCHEMA_VERSION,
        "benchmark": "gpu",
        **describe_run(" ".join(["python -m bench.gpu", *sys.argv[1:]])),
        **({"commit": commit} if commit else {}),
        "device": device,
        "is_small": is_small,
        "card": card.name if card else "none: the CPU stood for it",
        "place": card.place if card else "",
        "driver": card.driver if card else "",
        "card_memory_mib": card.memory_mib if card else 0,
        "goals": judge(figures, counts=device == "cuda" and not is_small),
        "parts": parts,
    }


def _read_part(output: Path, name: str) -> dict[str, Any]:
    lines = list(read_notes(output / f"{name}.notes"))
    figures = [Figure(name=line["name"], value=line["value"]) for line in lines if "value" in line]
    return {
        **json.loads((output / f"{name}.json").read_text("utf-8")),
        "title": PARTS[name].title,
        "failures": [line["failure"] for line in lines if "failure" in line],
        "skipped": [line["skipped"] for line in lines if "skipped" in line],
        "figures": [{"name": each.name, "value": each.value, "unit": each.unit} for each in figures],
    }


if __name__ == "__main__":
    sys.exit(main())
