"""check_files: a tokenizer that is missing, damaged or too large, and labels that do not fit, said by files alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.pack.check.files import check_files
from berth.pack.load_checkpoint import load_checkpoint

from .conftest import LFS_POINTER, refusal, set_json

BERTH = str(Path(sys.executable).with_name("berth"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (LFS_POINTER.encode(), "is a git-lfs pointer"),
        (b"\xff" * 99, "is not a safetensors file: .*; download the checkpoint again"),
        (b"\x04\0\0\0\0\0\0\0[{}]", "is not a safetensors file"),
        (b"\x02\0", "is not a safetensors file"),
    ],
)
def test_damaged_weights_are_named(copy, content, said):
    folder = copy("bert", without_tokenizer=False)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(Refused, match=rf"model\.safetensors {said}"):
        check_files(load_checkpoint(folder, None))


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("count", [2, 4])
def test_labels_beside_the_heads_outputs(copy, architecture, count):
    folder = copy(architecture, without_tokenizer=False)
    set_json(folder / "config.json", id2label={str(number): f"label {number}" for number in range(count)})
    assert f"config.json has {count} labels and the model's head has 3 outputs" in refusal(folder)


def test_labels_are_numbered_from_0(copy):
    folder = copy("bert", without_tokenizer=False)
    set_json(folder / "config.json", id2label={"1": "a", "2": "b", "3": "c"})
    assert "numbers its labels 1, 2, 3: id2label must number them from 0 to 2" in refusal(folder)


def test_nothing_heavy_is_imported(copy):
    program = (
        "import sys; from pathlib import Path; from berth.errors import Refused; "
        "from berth.pack.check.files import check_files; from berth.pack.load_checkpoint import load_checkpoint; "
        "check_files(load_checkpoint(Path(sys.argv[1]), None)); "
        "print(sorted({'numpy', 'safetensors', 'tokenizers', 'torch', 'transformers'} & set(sys.modules)))"
    )
    folder = copy("bert", without_tokenizer=False)
    ran = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
