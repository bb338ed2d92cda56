"""What the harness tells a peer's program: one variable of the environment, which all its processes inherit."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

VARIABLE = "BERTH_BENCH_PEER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """How a peer is to serve."""

    folder: str
    """The checkpoint, as sentence-transformers saves one."""
    backend: str
    """`torch`, `onnx`, `onnx-int8`, `openvino` or `openvino-int8`."""
    port: int
    workers: int
    threads: int
    """Of each worker."""
    batch: int
    """The most requests that are computed together."""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """What the harness has said; KeyError where a program was started without it."""
        return cls(**json.loads(environ[VARIABLE]))

    def to_environment(self) -> dict[str, str]:
        """What `read` reads, and the threads by the name that OpenMP and frameworks go by."""
        return {VARIABLE: json.dumps(asdict(self)), "OMP_NUM_THREADS": str(self.threads)}

    @property
    def path(self) -> Path:
        """The checkpoint's folder."""
        return Path(self.folder)
