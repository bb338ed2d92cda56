"""Where a run is kept: the page, its JSON, its plots and every latency where the user says; else latencies alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..environments import ROOT
from .page import to_page
from .plots import write_plots

RAW = ROOT / "latencies.npz"


def keep(document: Mapping[str, Any], latencies_ms: Mapping[str, Sequence[float]], output: Path | None) -> None:
    """Write the page, and beside it its JSON, plots and raw latencies (NAME.npz); without an output these alone."""
    import numpy as np  # noqa: PLC0415 - `--help` answers at once

    arrays = {name: np.asarray(values, dtype=np.float32) for name, values in latencies_ms.items()}
    np.savez_compressed(output.with_suffix(RAW.suffix) if output else RAW, **arrays)  # type: ignore[arg-type]  # numpy's own stubs take no names of arrays
    if output:
        output.with_suffix(".json").write_text(json.dumps(document) + "\n", "utf-8")
        output.write_text(to_page(document, write_plots(document, output)) + "\n", "utf-8")
