"""plan_archive and the digest list: pure, complete, and true to what handler/ imports."""

import ast
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

import berth
import handler
from berth.archive.content import ArchivePlan, Content
from berth.errors import Refused, UsageError
from berth.pack.checkpoint import Checkpoint
from berth.pack.contents import HANDLER_PACKAGES, HandlerSource, ReferenceAnswers, plan_archive
from berth.pack.options import WorkerOptions
from handler.config import HandlerConfig, Pooling, Task
from handler.precision import Precision

CHECKPOINT = Checkpoint(
    root=Path("/nowhere"),
    files=("config.json", "model.safetensors"),
    task=Task.EMBEDDINGS,
    pooling=(Pooling.CLS,),
    normalize=True,
    max_tokens=8192,
)
ANSWERS = ReferenceAnswers(
    inputs=("ü", {"text": "a", "text_pair": "b"}), parameters={"truncation": True}, answers=([0.5], [1.0, -1.0])
)
PACKER = HandlerSource(
    handler_files={"handler/bert_handler.py": Path("/h.py")},
    versions={"torch": "2.13.0", "numpy": "2.4.6"},
    ranges=("torch>=2.11,<2.15",),
    created=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
)


def _plan() -> ArchivePlan:
    return plan_archive(CHECKPOINT, ANSWERS, PACKER, name="m", version="2.0")


def _bytes(name: str) -> bytes:
    source = next(member.source for member in _plan().members if member.name == name)
    assert isinstance(source, bytes)
    return source


def test_the_members():
    assert [member.name for member in _plan().members] == [
        "MAR-INF/MANIFEST.json",
        "checkpoint/config.json",
        "checkpoint/model.safetensors",
        "handler/bert_handler.py",
        "known_answers.json",
        "model-config.yaml",
        "requirements.txt",
    ]


def test_planning_twice_gives_the_same():
    assert _plan() == _plan()


def test_the_manifest_names_the_handler_of_the_package():
    manifest = json.loads(_bytes("MAR-INF/MANIFEST.json"))
    assert manifest["createdOn"] == "03/02/2001 04:05:06"
    assert manifest["runtime"] == "python"
    assert manifest["model"] == {
        "modelName": "m",
        "modelVersion": "2.0",
        "handler": "handler.bert_handler",
        "requirementsFile": "requirements.txt",
        "configFile": "model-config.yaml",
    }


def test_the_model_config_is_what_the_handler_reads():
    settings = yaml.safe_load(_bytes("model-config.yaml"))
    config = HandlerConfig.from_mapping(settings.pop("handler"))
    assert (config.task, config.pooling, config.normalize) == (Task.EMBEDDINGS, (Pooling.CLS,), True)
    assert (config.max_tokens, config.token_budget) == (8192, None)
    assert config.requires == PACKER.ranges
    assert settings["maxBatchDelay"] == 1
    assert settings["berth"] == {"form": 2, "version": berth.__version__}
    assert not {"minWorkers", "maxWorkers"} & set(settings)


def test_what_the_user_chose_of_a_workers_size_is_written_and_checked():
    def pack(worker):
        plan = plan_archive(CHECKPOINT, ANSWERS, replace(PACKER, worker=worker), name="m", version="2.0")
        source = next(member.source for member in plan.members if member.name == "model-config.yaml")
        assert isinstance(source, bytes)
        return yaml.safe_load(source)

    found = pack(WorkerOptions(precision=Precision.BF16, token_budget=9000, batch_size=8))
    assert (found["batchSize"], found["handler"]["precision"], found["handler"]["token_budget"]) == (8, "bf16", 9000)
    with pytest.raises(UsageError, match="token_budget 100 is below max_tokens 8192"):
        pack(WorkerOptions(token_budget=100))


def test_the_known_answers_and_the_requirements():
    assert json.loads(_bytes("known_answers.json")) == {
        "inputs": ["ü", {"text": "a", "text_pair": "b"}],
        "parameters": {"truncation": True},
        "answers": [[0.5], [1.0, -1.0]],
    }
    assert _bytes("requirements.txt") == b"numpy==2.4.6\ntorch==2.13.0\n"


NOT_RECORDED = {"ts", "opentelemetry"}


def test_the_packages_are_those_that_the_handler_imports():
    """transformers imports `safetensors` and `tokenizers` for it; `ts` is the server, `opentelemetry` an extra's."""
    imported = {name.split(".")[0] for path in Path(handler.__path__[0]).rglob("*.py") for name in _imports(path)}
    known = packages_distributions()
    distributions = {known[name][0].lower() for name in imported - set(sys.stdlib_module_names) - NOT_RECORDED}
    assert distributions | {"safetensors", "tokenizers"} == set(HANDLER_PACKAGES)


def _imports(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    absolute = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module]
    return absolute + [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]


def test_a_file_with_an_impossible_name_is_refused():
    odd = Checkpoint(
        root=CHECKPOINT.root,
        files=("vocabulaire-é.txt",),
        task=Task.EMBEDDINGS,
        pooling=(Pooling.MEAN,),
        normalize=False,
        max_tokens=8,
    )
    with pytest.raises(Refused, match="vocabulaire-é"):
        plan_archive(odd, ANSWERS, PACKER, name="m", version="1.0")


def test_a_digest_list_reads_back():
    content = Content(digests={"b": "0" * 64, "a/c": "1" * 64})
    assert Content.from_sums(content.to_sums()) == content
    assert content.to_sums() == b"1" * 64 + b"  a/c\n" + b"0" * 64 + b"  b\n"


@pytest.mark.parametrize(
    "sums",
    [
        b"",
        b"0" * 64 + b"  a",
        b"0" * 63 + b"  a\n",
        b"0" * 64 + b" *a\n",
        b"0" * 64 + b"  b\n" + b"0" * 64 + b"  a\n",
        b"0" * 64 + b"  a\n" + b"1" * 64 + b"  a\n",
        b"0" * 64 + b"  a\r\n",
        b"# comment\n" + b"0" * 64 + b"  a\n",
    ],
)
def test_another_spelling_of_a_digest_list_is_refused(sums):
    with pytest.raises(Refused, match="is altered: it is not a sorted list"):
        Content.from_sums(sums)
