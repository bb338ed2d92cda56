"""Routes of queries and documents: those that become a model with a table beside it, and why others do not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from berth.convert.modules import routes
from berth.errors import Refused
from berth.progress import Silence

TABLE, MODEL, POOLING = "query_0_SparseStaticEmbedding", "document_0_Transformer", "document_1_SpladePooling"
OWN = "sentence_transformers.sparse_encoder.models"
ROUTER: dict[str, dict[str, Any]] = {
    "types": {
        TABLE: f"{OWN}.SparseStaticEmbedding",
        MODEL: f"{OWN}.MLMTransformer",
        POOLING: f"{OWN}.SpladePooling",
    },
    "structure": {"query": [TABLE], "document": [MODEL, POOLING]},
    "parameters": {"default_route": "document", "allow_empty_key": True},
}


def change(file: Path, settings: dict[str, Any]) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | settings), "utf-8")


def write_words(folder: Path, *words: str) -> None:
    vocabulary = {word: number for number, word in enumerate(words)}
    Tokenizer(WordLevel(vocabulary, unk_token=words[0])).save(str(folder / "tokenizer.json"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (TABLE, MODEL, POOLING):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}", "utf-8")
    for name in (TABLE, MODEL):
        write_words(tmp_path / name, "[UNK]", "ship", "tide")
    save_file({"weight": torch.ones(3)}, tmp_path / TABLE / "model.safetensors")
    (tmp_path / "router_config.json").write_text(json.dumps(ROUTER), "utf-8")
    step = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Router"}
    (tmp_path / "modules.json").write_text(json.dumps([step]), "utf-8")
    return tmp_path


def test_they_become_a_model_and_a_table(folder: Path) -> None:
    assert routes.applies(folder)
    assert routes.convert(folder, Silence()).startswith(f"a query's words weigh what {TABLE} says")
    assert not routes.applies(folder)
    steps = json.loads((folder / "modules.json").read_text())
    assert [(step["type"].rpartition(".")[2], step["path"]) for step in steps] == [
        ("MLMTransformer", ""),
        ("SpladePooling", POOLING),
    ]
    assert {file.name for file in (folder / "query_table").iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer.json")
    }
    assert (folder / "tokenizer.json").is_file()


@pytest.mark.parametrize(
    "router",
    [
        {"structure": {"query": [MODEL, POOLING], "document": [MODEL, POOLING]}},
        {"structure": {"query": [TABLE], "document": [MODEL, POOLING], "title": [TABLE]}},
        {"structure": {"query": [TABLE], "document": [TABLE]}},
        {"parameters": {"route_mappings": {"('query', None)": "document"}}},
        {"types": {}},
    ],
)
def test_other_routes_are_left_to_be_refused(folder: Path, router: dict[str, Any]) -> None:
    change(folder / "router_config.json", router)
    assert not routes.applies(folder)


def test_a_module_outside_the_folder_is_refused(folder: Path) -> None:
    outside = f"../{MODEL}"
    types = {**ROUTER["types"], outside: f"{OWN}.MLMTransformer"}
    structure = {"query": [TABLE], "document": [outside, POOLING]}
    change(folder / "router_config.json", {"types": types, "structure": structure})
    with pytest.raises(Refused, match="outside the checkpoint"):
        routes.applies(folder)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: write_words(folder / TABLE, "[UNK]", "tide", "ship"), "makes other words of a text than"),
        (lambda folder: (folder / TABLE / "tokenizer.json").unlink(), r"has no tokenizer\.json: save the model again"),
        (
            lambda folder: save_file({"weight": torch.ones(2)}, folder / TABLE / "model.safetensors"),
            r"has no weight for each of 3 tokens, but \{'weight': \(2,\)\}",
        ),
        (
            lambda folder: change(folder / TABLE / "config.json", {"path": "idf.json", "frozen": True}),
            "sets path, which berth does not know",
        ),
        *(
            (
                lambda folder, told=told: change(folder / "router_config.json", {"parameters": told}),
                "default_route is query, and berth reads a text that is called neither",
            )
            for told in ({"default_route": "query"}, {"default_route": None})
        ),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(folder)
    with pytest.raises(Refused, match=said):
        routes.convert(folder, Silence())
