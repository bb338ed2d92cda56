"""`python -P bench/bulk/engine.py FOLDER TEXTS`: the engine alone, as one of the command's workers has it.

It loads, tokenises all texts, writes a line, waits for one, and answers with the wall and the CPU seconds of the
forward passes for all of them.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from berth.bulk.messages import Setup
from berth.bulk.worker.loading import load_engine


def main() -> None:
    """Be asked once."""
    folder, file = map(Path, sys.argv[1:])
    setup = Setup(folder=str(folder), parameters_json=b"{}", to="parquet", float16=False, fails=False)
    engine = load_engine(setup)
    texts = _tokenise(engine, file.read_text("utf-8").splitlines())
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(_measure(engine, texts)), flush=True)


def _tokenise(engine: Any, texts: list[str]) -> list[Any]:
    """What the model reads of each text, of about one length beside each other, as the command has them."""
    from handler.inputs import TextInput  # noqa: PLC0415 - the archive's
    from handler.payload import Request  # noqa: PLC0415

    ordered = sorted(texts, key=len)
    requests = [
        Request(inputs=(TextInput(text=each, param=""),), parameters=engine.requests.parameters) for each in ordered
    ]
    prepared = engine._pipeline._prepare(requests, math.inf)
    return [text for group in prepared for pending in group for text in pending.texts]


def _measure(engine: Any, texts: list[Any]) -> dict[str, float]:
    from handler.worker.metrics import Stopwatch  # noqa: PLC0415

    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for _ in engine._pipeline._forward.rows(texts, [math.inf] * len(texts), Stopwatch()):
        pass
    return {"seconds": time.perf_counter() - began_s, "cpu_s": time.process_time() - began_cpu_s}


if __name__ == "__main__":
    main()
