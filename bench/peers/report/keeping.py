"""Where a run is kept: the page, its JSON and its plots where the user says, every latency below .peers/."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..environments import ROOT
from .page import to_page
from .plots import write_plots

RAW = ROOT / "latencies.npz"


def keep(document: Mapping[str, Any], latencies_ms: Mapping[str, Sequence[float]], output: Path | None) -> None:
    """Write the raw latencies of the last run; and where there is an output, its page, JSON and plots."""
    import numpy as np  # noqa: PLC0415 - `--help` answers at once

    arrays = {name: np.asarray(values, dtype=np.float32) for name, values in latencies_ms.items()}
    np.savez_compressed(RAW, **arrays)  # type: ignore[arg-type]  # numpy's own stubs take no names of arrays
    if output:
        output.with_suffix(".json").write_text(json.dumps(document) + "\n", "utf-8")
        output.write_text(to_page(document, write_plots(document, output)) + "\n", "utf-8")
