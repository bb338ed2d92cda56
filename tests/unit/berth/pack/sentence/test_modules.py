"""Every module and every setting of sentence-transformers 6.2 is served or refused: none is passed over."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers.cross_encoder import modules as of_cross_encoders
from sentence_transformers.multi_vector_encoder import modules as of_multi_vectors
from sentence_transformers.sentence_transformer import modules as of_vectors
from sentence_transformers.sparse_encoder import modules as of_sparse

from berth.errors import Refused
from berth.layouts.sentence import Module
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.sentence import behind_pooling, late, pooling, splade, transformer
from berth.pack.sentence.modules import OTHERS, SERVED

ABSTRACT = {"BaseTokenPooling", "InputModule", "Module"}
CLASSES: dict[str, Any] = {
    name: value
    for package in (of_vectors, of_sparse, of_multi_vectors, of_cross_encoders)
    for name, value in vars(package).items()
    if inspect.isclass(value) and name not in ABSTRACT
}
REFUSED = {
    "Transformer": {"document_length", "processing_kwargs", "query_expansion", "query_length"},
    "MLMTransformer": {"document_length", "processing_kwargs", "query_expansion", "query_length"},
    "Dense": {"use_residual"},
    "MultiVectorMask": {"keep_only_token_ids"},
}
SETTINGS = {
    "Transformer": transformer.EMBEDS,
    "MLMTransformer": transformer.FILLS,
    "Pooling": pooling.SETTINGS,
    "SpladePooling": splade.SETTINGS,
    "StaticEmbedding": {},
    "MultiVectorMask": late.MASKS,
    **behind_pooling.SETTINGS,
}


def test_every_module_is_served_or_known_to_be_another():
    assert len(CLASSES) > 20
    assert set(CLASSES) <= {*SERVED, *OTHERS}
    assert not set(SERVED) & set(OTHERS)


@pytest.mark.parametrize("kind", SERVED)
def test_every_setting_of_a_served_module_is_served_or_refused(kind):
    assert set(CLASSES[kind].config_keys) - set(SETTINGS[kind]) == REFUSED.get(kind, set())


@pytest.mark.parametrize(
    "type_",
    [
        "sentence_transformers.models.Pooling",
        "sentence_transformers.models.Pooling.Pooling",
        "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
        f"{CLASSES['Pooling'].__module__}.Pooling",
    ],
)
def test_a_module_is_known_wherever_it_lay(type_):
    assert Module(type=type_, path="1_Pooling").kind == "Pooling"


@pytest.mark.parametrize(
    ("type_", "what"),
    [
        *((f"sentence_transformers.models.{kind}", what) for kind, what in OTHERS.items()),
        ("sentence_transformers.models.Tomorrow", "berth does not know"),
        ("custom_st.Transformer", "is code of its own, which berth never runs"),
    ],
)
def test_another_module_is_refused_by_what_it_is(tmp_path: Path, type_: str, what: str):
    (tmp_path / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": type_}]))
    kind = Module(type=type_, path="").kind
    with pytest.raises(Refused, match=rf"names the module {kind}, which {what}; berth serves Transformer.*: \w+"):
        load_checkpoint(tmp_path, None)


@pytest.mark.parametrize("path", ["../1_Pooling", "/tmp/1_Pooling"])
def test_a_module_outside_the_checkpoint_is_refused(tmp_path: Path, path: str):
    (tmp_path / "modules.json").write_text(json.dumps([{"path": path, "type": "sentence_transformers.models.Pooling"}]))
    with pytest.raises(Refused, match="outside the checkpoint"):
        load_checkpoint(tmp_path, None)
