"""The table of the tasks: complete, light, and without a line of the handler's."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import save_file

import berth.pack.references
from berth.errors import Refused
from berth.pack.references import REFERENCES
from berth.pack.references.sparse_embeddings import load_table
from handler.config import Task

SOURCES = (
    *Path(berth.pack.references.__path__[0]).glob("*.py"),
    *(
        Path(berth.pack.__path__[0], name)
        for name in ("check/files.py", "check/loaded.py", "reference_answers.py", "sentence/text_vector.py")
    ),
)


def test_every_task_has_a_reference_that_transformers_has_a_class_for() -> None:
    assert set(REFERENCES) == set(Task)
    assert all(hasattr(transformers, reference.auto_class) for reference in REFERENCES.values())


@pytest.mark.parametrize(
    "architecture", ["BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForQuestionAnswering"]
)
def test_an_architecture_names_one_task(architecture: str) -> None:
    assert len([task for task, reference in REFERENCES.items() if reference.is_named_by(architecture)]) == 1


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_reference_shares_no_code_with_the_handler(source: Path) -> None:
    nodes = [node for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in nodes if (node.module or "").startswith("handler")} <= {"handler.config"}


@pytest.mark.parametrize("module", ["berth.pack.references", "berth.pack.pack"])
def test_what_decides_before_packing_imports_no_torch(module: str) -> None:
    program = f"import sys, {module}; print(sorted({{'torch', 'transformers', 'numpy'}} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_query_table_with_weights_below_0_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.tensor([1.0, -0.5])}, tmp_path / "model.safetensors")
    with pytest.raises(Refused, match="a query's table has weights below 0"):
        load_table(tmp_path)
