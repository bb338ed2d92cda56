"""sentence-transformers with any of its backends, by the settings that its own page on speed gives for a CPU."""

from collections.abc import Callable
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from .given import Given

FILES = {
    "onnx": "onnx/model_O3.onnx",
    "onnx-int8": "onnx/model_qint8_avx512_vnni.onnx",
    "openvino": "openvino/openvino_model.xml",
    "openvino-int8": "openvino/openvino_model_int8.xml",
}
Encode = Callable[[list[str]], list[list[float]]]
"""Texts [N] -> vectors [N][H] of length 1."""


def load_encode(given: Given) -> Encode:
    """Load the model, with the given threads for torch, ONNX Runtime or OpenVINO."""
    torch.set_num_threads(given.threads)
    family: Any = given.backend.partition("-")[0]
    model = SentenceTransformer(
        given.folder, device="cpu", backend=family, model_kwargs=model_arguments(given), local_files_only=True
    )

    def encode(texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = model.encode(texts, show_progress_bar=False).tolist()
        return vectors

    return encode


def model_arguments(given: Given) -> dict[str, Any]:
    """What the backend's loader is told."""
    if given.backend == "torch":
        return {}
    threads = _onnx(given.threads) if given.backend.startswith("onnx") else _openvino(given.threads)
    return {"file_name": FILES[given.backend], **threads}


def _onnx(threads: int) -> dict[str, Any]:
    import onnxruntime  # noqa: PLC0415 - only its own environment has it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return {"provider": "CPUExecutionProvider", "session_options": options}


def _openvino(threads: int) -> dict[str, Any]:
    """Without the hint OpenVINO computes in bf16 where the CPU has it, and fp32 would be the wrong name."""
    return {
        "ov_config": {
            "INFERENCE_NUM_THREADS": str(threads),
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
    }
