"""Exports a checkpoint for ONNX Runtime or OpenVINO, in fp32 and int8, by sentence-transformers' and NNCF's own means.

`python -m bench.peers.programs.export BACKEND CHECKPOINT OUTPUT`, with calibration texts, one a line, on stdin.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from .encoder import FILES


def export_onnx(model: SentenceTransformer, output: Path, _texts: Sequence[str]) -> None:
    """Optimized at level O3, and int8 for AVX512-VNNI, whose weights alone are quantized beforehand."""
    from sentence_transformers import (  # noqa: PLC0415 - needs optimum
        export_dynamic_quantized_onnx_model,
        export_optimized_onnx_model,
    )

    export_optimized_onnx_model(model, "O3", str(output))
    export_dynamic_quantized_onnx_model(model, "avx512_vnni", str(output))


def export_openvino(model: SentenceTransformer, output: Path, texts: Sequence[str]) -> None:
    """Int8 by NNCF, calibrated on the texts."""
    import nncf  # noqa: PLC0415 - only its own environment has it
    import openvino  # noqa: PLC0415

    plain = openvino.Core().read_model(output / FILES["openvino"])
    names = [each.get_any_name() for each in plain.inputs]
    encodings = [model.tokenizer(text, return_tensors="np", truncation=True) for text in texts]
    items = nncf.Dataset([{name: encoding[name] for name in names} for encoding in encodings])
    quantized = nncf.quantize(plain, items, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(texts))
    openvino.save_model(quantized, output / FILES["openvino-int8"], compress_to_fp16=False)


EXPORTS = {"onnx": export_onnx, "openvino": export_openvino}

if __name__ == "__main__":
    backend: Any
    backend, checkpoint, output = sys.argv[1:]
    model = SentenceTransformer(checkpoint, backend=backend, device="cpu", local_files_only=True)
    model.save_pretrained(output)
    EXPORTS[backend](model, Path(output), sys.stdin.read().splitlines())
