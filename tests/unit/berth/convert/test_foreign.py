"""Weights of other forms are told by their names, and the way on is named."""

import pytest

from berth.convert.foreign import check_form
from berth.errors import Refused

NAMES = {
    "tf_model.h5": "TensorFlow's weights",
    "tf_model-00001-of-00002.h5": "TensorFlow's weights",
    "bert_model.ckpt.index": "Google's TensorFlow checkpoint",
    "bert_model.ckpt.data-00000-of-00001": "Google's TensorFlow checkpoint",
    "flax_model.msgpack": "Flax's weights",
    "bert.gguf": "GGUF",
    "onnx/model_quantized.onnx": "ONNX",
    "model.onnx": "ONNX",
    "openvino/openvino_model.xml": "OpenVINO's form",
    "coreml/fill-mask/float32_model.mlpackage": "Core ML's form",
    "rust_model.ot": "rust-bert's form",
    "last.ckpt": "the state of a training loop",
    "best.pt": "the state of a training loop",
    "model.pth": "the state of a training loop",
}


def _touch(folder, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()


@pytest.mark.parametrize("name", NAMES)
def test_each_form_is_named_with_its_file(tmp_path, name):
    _touch(tmp_path, name)
    with pytest.raises(Refused) as refused:
        check_form(tmp_path)
    assert f"only {NAMES[name]}" in str(refused.value)
    assert f"({name})" in str(refused.value)
    assert "{" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
        "adapter_config.json",
        "optimizer.pt",
    ],
)
def test_a_form_of_ours_beside_it_is_enough(tmp_path, name):
    for other in NAMES if name != "optimizer.pt" else ():
        _touch(tmp_path, other)
    _touch(tmp_path, name)
    check_form(tmp_path)
