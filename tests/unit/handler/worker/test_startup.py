"""Quick imports: what nobody uses stays out, and is there for who asks for it. Each in a Python of its own."""

import subprocess
import sys

from handler.worker.startup import log_line

BEGIN = """
import sys
from handler.worker.startup import quick_imports
with quick_imports():
    import handler.choose_engine
import torch
"""


def run(program: str) -> str:
    ran = subprocess.run([sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_compiler_and_distributed_tensors_stay_out() -> None:
    names = ("accelerate", "scipy", "torch._dynamo.convert_frame", "torch.distributed.tensor", "sympy")
    assert run(f"print([name for name in {names} if name in sys.modules])") == "[]"


def test_torch_is_as_it_was() -> None:
    assert run("import scipy; print(torch.distributed.is_available(), scipy.__name__)") == "True scipy"


def test_the_compiler_is_there_for_who_asks() -> None:
    program = "print(torch.compile(lambda number: number + 1, backend='eager')(torch.ones(1)).item())"
    assert run(program) == "2.0"
    assert run("import torch._dynamo; print(torch._dynamo.config.__name__)") == "torch._dynamo.config"


def test_models_are_there_by_their_name_in_the_package() -> None:
    assert run("from transformers.models import BertModel; print(BertModel.__name__)") == "BertModel"
    assert run("import transformers; print(transformers.models.bert.BertModel.__name__)") == "BertModel"


def test_the_kernel_kills_a_worker_first() -> None:
    program = (
        "from handler.worker.startup import die_first; die_first(); print(open('/proc/self/oom_score_adj').read())"
    )
    assert run(program) == "500"


def test_facts_are_logged_flat() -> None:
    facts = {"engine": "packed", "candidates": {"label_id": 5, "scorer": "mlp"}, "threads": 2}
    assert log_line(facts) == "engine=packed candidates_label_id=5 candidates_scorer=mlp threads=2"
