"""needed_files: what is fetched of the lists of files that models have."""

import pytest

from berth.errors import Refused
from berth.sources.needed import needed_files

ALWAYS = ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "README.md"]
SHARDS = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
BIN_SHARDS = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
OTHERS = ["tf_model.h5", "flax_model.msgpack", "rust_model.ot", "onnx/model.onnx", "openvino/openvino_model.bin"]
TRAINING = ["training_args.bin", "optimizer.pt", "runs/events.out", "checkpoint-500/model.safetensors", "train.csv"]


ADAPTER = ["adapter_model.safetensors", "adapter_config.json"]


def _needed(*names: str) -> set[str]:
    return set(needed_files(dict.fromkeys([*ALWAYS, *names, *OTHERS, *TRAINING], 10), "it")) - set(ALWAYS)


@pytest.mark.parametrize(
    ("names", "needed"),
    [
        (["model.safetensors", "pytorch_model.bin", "vocab.txt"], ["model.safetensors", "vocab.txt"]),
        (["pytorch_model.bin", "merges.txt"], ["pytorch_model.bin", "merges.txt"]),
        (["model.safetensors.index.json", *SHARDS, "pytorch_model.bin"], ["model.safetensors.index.json", *SHARDS]),
        (["pytorch_model.bin.index.json", *BIN_SHARDS], ["pytorch_model.bin.index.json", *BIN_SHARDS]),
        (["model.safetensors", "model.fp16.safetensors", *SHARDS], ["model.safetensors"]),
        ([*ADAPTER, "adapter_model.bin"], ADAPTER),
        (["model.safetensors", "model_head.pkl"], ["model.safetensors", "model_head.pkl"]),
        (["pytorch_model.bin", "sparse_linear.pt", "colbert_linear.pt"],) * 2,
        (["model.safetensors", "spiece.model", "bpe.codes"], ["model.safetensors", "spiece.model", "bpe.codes"]),
    ],
)
def test_weights_are_fetched_in_one_format(names, needed):
    assert _needed(*names) == set(needed)


def test_a_gliner_model_may_have_no_config_of_its_encoder():
    names = ["gliner_config.json", "pytorch_model.bin"]
    assert needed_files(dict.fromkeys([*names, "README.md", "onnx/model.onnx"], 10), "it") == [
        *("README.md", "gliner_config.json", "pytorch_model.bin")
    ]


def test_the_folders_of_sentence_transformers_are_fetched():
    modules = ["1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "2_Normalize/config.json"]
    old = ["0_Transformer/config.json", "0_Transformer/pytorch_model.bin", "query_0_Transformer/model.safetensors"]
    assert _needed("model.safetensors", *modules, "2_Dense/pytorch_model.bin") == {"model.safetensors", *modules}
    assert _needed("modules.json", *old) == {"modules.json", *old}


def test_weights_come_last_and_small_files_first():
    sizes = {"adapter_model.bin": 2, "model.safetensors": 400, "config.json": 1, "tokenizer.json": 30}
    assert needed_files(sizes, "it") == ["config.json", "tokenizer.json", "adapter_model.bin", "model.safetensors"]


def test_data_is_not_taken_for_settings():
    sizes = {"config.json": 1, "model.safetensors": 9, "train.json": 10**9}
    assert needed_files(sizes, "it") == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            ["config.json", "tf_model.h5", "training_args.bin"],
            "org/it holds no model.safetensors or pytorch_model.bin, only TensorFlow's weights (tf_model.h5): "
            "download it (`hf download org/it --local-dir it`); `berth pack it` then says how to convert it",
        ),
        (["a.gguf", "b.gguf"], "only GGUF, llama.cpp's form (a.gguf): take the checkpoint that it was made from"),
        (["config.json", "onnx/model.onnx"], "only ONNX (onnx/model.onnx): an export cannot be turned back: take the"),
        (["0_Transformer/rust_model.ot"], "only rust-bert's form (0_Transformer/rust_model.ot): take the checkpoint"),
        (["coreml/fill-mask/a.mlpackage/Data/weight.bin"], "only Core ML's form (coreml/fill-mask/a.mlpackage): an"),
        ([f"{letter}.tflite" for letter in "abcde"], "but a.tflite, b.tflite, c.tflite, d.tflite and 1 more: load the"),
        (
            ["config.json", "checkpoint-1000/model.safetensors", "checkpoint-500/model.safetensors"],
            "org/it holds no model, but checkpoint-500, checkpoint-1000: download it (`hf download org/it --include "
            "'checkpoint-1000/*' --local-dir it`); give one of them as the address (it/checkpoint-1000)",
        ),
        (["model.safetensors", "tokenizer.json"], "it holds weights and no config.json: it is not a model that"),
        (["config.json", "vocab.txt"], "it holds no weights: berth packs a folder with"),
        ([], "it holds no weights"),
    ],
)
def test_what_holds_no_model_is_refused(names, sentence):
    with pytest.raises(Refused) as refused:
        needed_files(dict.fromkeys(names, 10), "org/it")
    assert sentence in str(refused.value)
    assert "{" not in str(refused.value)


def test_the_folders_of_a_bucket_are_addresses():
    with pytest.raises(Refused, match=r"checkpoint-5: give one of them as the address \(gs://b/it/checkpoint-5\)$"):
        needed_files({"checkpoint-5/model.safetensors": 10}, "gs://b/it")
    with pytest.raises(Refused, match=r"\(tf_model\.h5\): copy it to it here; `berth pack it` then says"):
        needed_files({"tf_model.h5": 10}, "gs://b/it")
