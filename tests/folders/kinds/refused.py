"""What is no text encoder, what is quantised and what is damaged: refused from the files alone."""

import json
import os
import struct
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from handler.config import Task
from tests.support.checkpoints import make_checkpoint

from ..kind import Kind

Change = Callable[[Path], object]
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 438007537\n"
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>"


def _classifier(change: Change, folder: Path) -> str:
    """A whole classifier, then spoiled."""
    change(make_checkpoint(folder, "bert", Task.TEXT_CLASSIFICATION))
    return str(folder)


def _write(name: str, content: str | bytes, folder: Path) -> None:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def _config(settings: Mapping[str, object], folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")


def _files(files: Mapping[str, str], folder: Path) -> str:
    for name, content in files.items():
        _write(name, content, folder)
    return str(folder)


def _of_type(model_type: str, folder: Path) -> str:
    """What transformers writes for a model of this type."""
    AutoConfig.for_model(model_type).save_pretrained(folder)
    return str(folder)


def _gpt2_classifier(folder: Path) -> str:
    config = transformers.GPT2Config(n_embd=8, n_layer=1, n_head=1)
    transformers.GPT2ForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def _cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size // 2)


def _without_shard(folder: Path) -> None:
    transformers.AutoModelForSequenceClassification.from_pretrained(folder).save_pretrained(
        folder, max_shard_size="1MB"
    )
    (folder / "model.safetensors").unlink(missing_ok=True)  # the one that the shards replace
    max(folder.glob("model-*.safetensors")).unlink()


def _without_index(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")


def _replace(name: str, make: Change, folder: Path) -> None:
    (folder / name).unlink()
    make(folder / name)


def _link_away(path: Path) -> None:
    path.symlink_to("../../blobs/0a1b2c")


def _halved(folder: Path) -> None:
    """A model of other sizes than its config.json says."""
    weights = load_file(folder / "model.safetensors")
    weights = {name: each[:, ::2].contiguous() if each.dim() == 2 else each for name, each in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _integers(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    name = "bert.encoder.layer.0.output.dense.weight"
    save_file(weights | {name: weights[name].to(torch.int8)}, folder / "model.safetensors", {"format": "pt"})


def _without_layer(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: each for name, each in weights.items() if ".layer.1." not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


FOREIGN = {
    "T5": ("t5", "t5, an encoder with a decoder"),
    "GPT-2": ("gpt2", "gpt2, a decoder"),
    "Llama": ("llama", "llama, a decoder"),
    "BART": ("bart", "bart, an encoder with a decoder"),
    "XLNet": ("xlnet", "xlnet, a decoder"),
    "Qwen3 that writes": ("qwen3", "qwen3, a decoder"),
    "EmbeddingGemma": ("gemma3_text", "gemma3_text, a decoder"),
    "CLIP": ("clip", "clip, a model of images or sound beside text"),
    "ViT": ("vit", "vit, a model of images"),
    "Whisper": ("whisper", "whisper, a model of sound"),
    "wav2vec 2.0": ("wav2vec2", "wav2vec2, a model of sound"),
    "LayoutLMv3": ("layoutlmv3", "layoutlmv3, a model of pages"),
}
OTHER_LIBRARIES: dict[str, tuple[dict[str, str], str]] = {
    "a timm model": ({"config.json": '{"architecture": "resnet18", "pretrained_cfg": {}}'}, "a model of timm"),
    "a diffusers pipeline": ({"model_index.json": '{"_class_name": "StableDiffusionPipeline"}'}, "diffusers"),
    "a spaCy pipeline": ({"meta.json": '{"lang": "en"}', "config.cfg": "[nlp]"}, "a pipeline of spaCy"),
    "a fastText model": ({"model.bin": "\xba\x16\x4f\x2f"}, "a model of fastText"),
    "a GLiNER model with a second encoder for types": (
        {"gliner_config.json": '{"model_name": "x", "labels_encoder": "y"}', "pytorch_model.bin": "PK"},
        "labels_encoder is y, so it is a bi-encoder",
    ),
    "a GLiNER model that labels tokens": (
        {"gliner_config.json": '{"model_name": "x", "span_mode": "token_level"}', "pytorch_model.bin": "PK"},
        "span_mode is token_level",
    ),
    "a model2vec model without its table": ({"config.json": '{"model_type": "model2vec"}'}, "has no model.safetensors"),
    "a ColBERT model without its weights": (
        {"config.json": '{"model_type": "bert", "architectures": ["HF_ColBERT"]}', "artifact.metadata": "{}"},
        "has no model.safetensors",
    ),
    "a GLiClass model with a second encoder for labels": (
        {"config.json": '{"model_type": "GLiClass", "architecture_type": "bi-encoder"}', "pytorch_model.bin": "PK"},
        "architecture_type is bi-encoder, so it is a model that does not read labels and text with one encoder",
    ),
    "a GLiClass model of all layers": (
        {"config.json": '{"model_type": "GLiClass", "squeeze_layers": true}', "pytorch_model.bin": "PK"},
        "squeeze_layers is True, so it is a model that reads all layers of its encoder",
    ),
    "an OpenCLIP model": ({"open_clip_config.json": "{}"}, "a model of OpenCLIP"),
}
QUANTISED: dict[str, dict[str, object]] = {
    "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "GPTQ": {"quant_method": "gptq", "bits": 4},
    "AWQ": {"quant_method": "awq", "bits": 4},
    "torchao": {"quant_method": "torchao"},
    "fp8": {"quant_method": "fp8"},
    "compressed-tensors": {"quant_method": "compressed-tensors"},
}
DAMAGED: dict[str, tuple[Change, str]] = {
    "a git-lfs pointer for weights": (partial(_write, "model.safetensors", LFS_POINTER), "is a git-lfs pointer"),
    "a git-lfs pointer for tokenizer.json": (partial(_write, "tokenizer.json", LFS_POINTER), "is a git-lfs pointer"),
    "weights cut short": (_cut_short, r"model\.safetensors has \d+ bytes, and by its header"),
    "an empty file of weights": (partial(_write, "model.safetensors", b""), "is empty"),
    "a web page for config.json": (partial(_write, "config.json", PAGE), "is a web page"),
    "config.json cut short": (partial(_write, "config.json", '{"model_type": "be'), "is not JSON"),
    "a list in config.json": (partial(_write, "config.json", "[]"), "does not hold a JSON object"),
    "config.json in UTF-16": (partial(_write, "config.json", '{"model_type": "bert"}'.encode("utf-16")), "byte order"),
    "a vocabulary in Latin-1": (partial(_write, "vocab.txt", "Größe\n".encode("latin-1")), "is not UTF-8"),
    "NaN in config.json": (partial(_config, {"layer_norm_eps": float("nan")}), "holds NaN"),
    "JSON nested 100,000 deep": (partial(_write, "config.json", '{"a": ' + "[" * 100_000), "is nested too deeply"),
    "a shard that is missing": (_without_shard, "which is not there"),
    "shards without their index": (_without_index, r"has no model\.safetensors\.index\.json"),
    "a broken link": (partial(_replace, "model.safetensors", _link_away), "is a link to .* which is not there"),
    "a folder for config.json": (partial(_replace, "config.json", Path.mkdir), "is a folder in the place of a file"),
    "a pipe for config.json": (partial(_replace, "config.json", os.mkfifo), "is neither a file nor a folder"),
    "a header longer than its file": (
        partial(_write, "model.safetensors", struct.pack("<Q", 10_000) + b"{}"),
        "its header would have 10000 bytes, and 2 are there",
    ),
    "weights of half the width": (_halved, r"is \[\d+, 32\], and by config.json it would be \[\d+, 64\]"),
    "weights of whole numbers": (_integers, "is I8"),
    "a layer that is missing": (_without_layer, "layer 1"),
}
ENCODER_AS_DECODER = partial(_classifier, partial(_config, {"is_decoder": True}))

KINDS = (
    *(Kind(name=name, make=partial(_of_type, of), sentence=said) for name, (of, said) in FOREIGN.items()),
    Kind(name="GPT-2 that classifies", make=_gpt2_classifier, sentence="gpt2, a decoder"),
    Kind(name="BERT as a decoder", make=ENCODER_AS_DECODER, sentence="is_decoder set, a decoder"),
    *(Kind(name=name, make=partial(_files, files), sentence=said) for name, (files, said) in OTHER_LIBRARIES.items()),
    *(
        Kind(
            name=f"weights quantised by {name}",
            make=partial(_classifier, partial(_config, {"quantization_config": settings})),
            sentence=f"quantised by {name}, which berth does not read; pack the checkpoint that it was made from",
        )
        for name, settings in QUANTISED.items()
    ),
    *(Kind(name=name, make=partial(_classifier, change), sentence=said) for name, (change, said) in DAMAGED.items()),
)
