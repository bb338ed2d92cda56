"""Weights that were made smaller than 16 bits: transformers reads them with packages that no worker has."""

from collections.abc import Mapping
from pathlib import Path

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
BESIDE = {"quantize_config.json": "GPTQ", "quant_config.json": "AWQ"}  # files that older tools put beside config.json
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
    for name, method in BESIDE.items():
        if (config_file.parent / name).is_file():
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
