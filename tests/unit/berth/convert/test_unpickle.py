"""Tensors are taken out of pickles as they are: bytes, types, and shared ones once. In this process, for speed."""

import collections
import pickle

import pytest
import torch
from safetensors.torch import load_file

from berth.convert.unpickle import convert_pickle, kept_once
from berth.errors import Refused
from tests.support.checkpoints.weights import WantsCode

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool)


@pytest.fixture
def paths(tmp_path):
    return tmp_path / "pytorch_model.bin", tmp_path / "model.safetensors"


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "before torch 1.6"])
def test_every_tensor_keeps_its_bytes_and_its_type(paths, is_zip):
    source, target = paths
    weights = {str(dtype): torch.arange(-3, 9).reshape(3, 4).to(dtype) for dtype in DTYPES}
    weights |= {"turned": weights["torch.float32"].t(), "empty": torch.empty(0, 4), "number": torch.tensor(2.5)}
    torch.save(weights, source, _use_new_zipfile_serialization=is_zip)
    assert convert_pickle(source, target) == ""
    found = load_file(target)
    assert found.keys() == weights.keys()
    for name, tensor in weights.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert torch.equal(found[name], tensor)


def test_a_tied_matrix_stays_once_and_other_shared_ones_are_copied(paths):
    source, target = paths
    matrix, bias = torch.rand(9, 4), torch.rand(9)
    weights = {
        "cls.predictions.decoder.weight": matrix,
        "bert.embeddings.word_embeddings.weight": matrix,
        "cls.predictions.bias": bias,
        "cls.predictions.decoder.bias": bias,
        "first_rows": matrix[:2],
    }
    torch.save(weights, source)
    convert_pickle(source, target)
    found = load_file(target)
    assert found.keys() == weights.keys() - {"cls.predictions.decoder.weight"}
    assert all(torch.equal(found[name], weights[name]) for name in found)


def test_shared_tensors_without_an_embedding_matrix_all_stay():
    shared = torch.rand(4, 4)
    kept = kept_once({"layer.0.weight": shared, "layer.1.weight": shared})
    assert kept.keys() == {"layer.0.weight", "layer.1.weight"}
    assert kept["layer.0.weight"].data_ptr() != kept["layer.1.weight"].data_ptr()


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
def test_a_training_loops_weights_are_taken_and_said(paths, wrapper):
    source, target = paths
    weights = collections.OrderedDict({"module.a": torch.ones(2), "module.b": torch.zeros(3)})
    torch.save({"epoch": 2, wrapper: weights, "optimizer": {"state": {}}}, source)
    note = convert_pickle(source, target)
    assert note == f"the weights were taken from its '{wrapper}'; 'module.' was taken off their names"
    assert load_file(target).keys() == {"a", "b"}


def test_a_prefix_that_only_some_names_have_stays(paths):
    source, target = paths
    torch.save({"module.a": torch.ones(2), "b": torch.zeros(3)}, source)
    assert convert_pickle(source, target) == ""
    assert load_file(target).keys() == {"module.a", "b"}


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "before torch 1.6"])
def test_a_pickle_that_wants_code_is_refused_by_its_name_and_not_run(paths, is_zip):
    source, target = paths
    torch.save({"a": torch.ones(2), "b": WantsCode()}, source, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(Refused, match=r"pytorch_model\.bin is a pickle that wants (posix|os)\.system, .*nothing of it"):
        convert_pickle(source, target)
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 2}, "holds no tensors by name"),
        ([torch.ones(2)], "holds a list and no weights"),
        ({"a": torch.eye(3).to_sparse()}, "has weights that safetensors cannot hold"),
    ],
)
def test_what_is_no_weights_is_refused(paths, content, words):
    source, target = paths
    torch.save(content, source)
    with pytest.raises(Refused, match=words):
        convert_pickle(source, target)


def test_damaged_pickles_are_refused(paths):
    source, target = paths
    torch.save({"a": torch.ones(999)}, source, _use_new_zipfile_serialization=False)
    whole = source.read_bytes()
    for damaged in (whole[:-99], whole[:40], pickle.dumps({"a": 1}), b"\x80\x04"):
        source.write_bytes(damaged)
        with pytest.raises(Refused, match=r"(is damaged, or was not written by torch\.save|no tensors by name)"):
            convert_pickle(source, target)
