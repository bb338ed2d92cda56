"""The rival is a fair one: it gives the right answers, in batches, from an archive like any other."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from bench.rivals.bare import BareModel, largest_difference
from bench.rivals.padded_handler import PaddedHandler, read_text
from bench.rivals.rival import Batching, plan_rival
from berth.archive.unpack import unpack_once
from berth.archive.write import write_archive
from berth.pack.load_checkpoint import load_checkpoint
from berth.sources.sample import sample_folder

TEXTS = ["a ship", "the harbour is deep enough for her keel", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("rival")
    plan = plan_rival(load_checkpoint(sample_folder(), None), "rival", Batching(size=8, delay_ms=100))
    write_archive(plan, work / "rival.mar")
    return unpack_once(work / "rival.mar", work / "cache")


def test_rival_embeds_as_the_bare_model_does(folder: Path) -> None:
    handler = PaddedHandler()
    handler.initialize(SimpleNamespace(system_properties={"model_dir": str(folder)}))
    answers = handler.handle([{"body": json.dumps({"inputs": text}).encode()} for text in TEXTS], None)
    bare = BareModel(sample_folder(), num_threads=torch.get_num_threads())
    for text, answer in zip(TEXTS, answers, strict=True):
        assert largest_difference(json.loads(answer), bare.embed(text)) < 1e-6  # fp32, another order of sums


def test_rival_takes_the_ready_check_without_a_body() -> None:
    assert read_text({"body": bytearray(b"")}) == ""
    assert read_text({"body": b'{"inputs": "a ship"}'}) == "a ship"


def test_rival_batches_as_it_was_told(folder: Path) -> None:
    settings = yaml.safe_load((folder / "model-config.yaml").read_text(encoding="utf-8"))
    assert (settings["batchSize"], settings["maxBatchDelay"]) == (8, 100)


def test_vectors_of_other_lengths_are_never_equal() -> None:
    assert largest_difference([1.0], [1.0, 2.0]) == float("inf")
