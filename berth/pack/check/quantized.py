"""Weights that were made smaller than 16 bits: transformers reads them with packages that no worker has."""

from collections.abc import Mapping
from pathlib import Path

from ...checkpoint_files import load_json
from ...errors import Refused

# `quant_method` in config.json's quantization_config (transformers 5.23, QuantizationMethod), as people call them.
METHODS = {
    "awq": "AWQ",
    "bitsandbytes": "bitsandbytes",
    "bitsandbytes_4bit": "bitsandbytes",
    "bitsandbytes_8bit": "bitsandbytes",
    "compressed-tensors": "compressed-tensors",
    "fbgemm_fp8": "FBGEMM (fp8)",
    "fp8": "fp8",
    "gptq": "GPTQ",
    "torchao": "torchao",
}
BY_FLAG = {"load_in_4bit": "bitsandbytes", "load_in_8bit": "bitsandbytes"}  # written before there was a quant_method
# Files that older tools put beside config.json, and where each says the bits: transformers.js, which quantises only its
# ONNX files, writes a quantize_config.json too.
BESIDE = {"quantize_config.json": ("GPTQ", "bits"), "quant_config.json": ("AWQ", "w_bit")}
CURE = (
    "pack the checkpoint that it was made from, which its model card names, or make one where it loads: "
    "model.dequantize().save_pretrained(FOLDER); --precision bf16 makes a worker smaller too"
)


def refuse_quantized(config_file: Path, config: Mapping[str, object]) -> None:
    """Refuse a checkpoint whose config.json, or a file beside it, says that its weights are quantised."""
    if method := _method(config):
        raise Refused(
            f"{config_file} says that the weights are quantised by {method}, which berth does not read; {CURE}"
        )
    for name, (method, bits) in BESIDE.items():
        if bits in load_json(config_file.parent / name):
            raise Refused(
                f"{config_file.parent / name} says that the weights are quantised by {method}, which berth does not "
                f"read; {CURE}"
            )


def _method(config: Mapping[str, object]) -> str | None:
    """Who quantised the weights; None when nobody did."""
    settings = config.get("quantization_config")
    if isinstance(settings, dict) and settings:
        named = settings.get("quant_method")
        flags = (method for flag, method in BY_FLAG.items() if settings.get(flag))
        return METHODS.get(str(named), str(named)) if named else next(flags, "a method that it does not name")
    return "MLX" if isinstance(config.get("quantization"), dict) else None
