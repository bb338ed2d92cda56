"""A tokenizer is made, saved, loaded again as the worker will load it, and compared with the original."""

import shutil
from pathlib import Path

import transformers

from ...checkpoint_files import CONFIG
from .backend import make_tokenizer
from .comparison import check_same_ids
from .lines import NUM_LINES
from .original import original_tokenizer


def save_compared(root: Path, name: str, target: Path) -> int:
    """Save the tokenizer of class `name` in `root` to the empty folder `target`; returns on how many lines it is right.

    Refused when it gives other ids than the original.
    """
    made = make_tokenizer(root, name)
    made.save_pretrained(target)
    shutil.copyfile(root / CONFIG, target / CONFIG)  # AutoTokenizer chooses by it too
    loaded = transformers.AutoTokenizer.from_pretrained(target, local_files_only=True)
    (target / CONFIG).unlink()
    check_same_ids(root, name, loaded, original_tokenizer(root, name, made))
    return NUM_LINES
