"""Merges an adapter into its base with peft; runs in berth/convert/isolated.py.

In fp32, whatever the base is kept in: a product of two small matrices that is added to a large one loses most of
itself in half precision.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from safetensors import safe_open

from ..errors import Refused

HEADS = ("classifier.weight", "classifier.out_proj.weight", "score.weight")
PREFIX = "base_model.model."
EMBEDDINGS = ("word_embeddings.weight", "embed_tokens.weight", "tok_embeddings.weight")
UNUSED_WEIGHTS = "pooler."  # a bare encoder's: it embeds without (berth/pack/reference_answers.py)
SEED = 0  # such a pooler is random and travels all the same: equal input is to give equal bytes
MAX_WORDS = 300
Shapes = dict[str, list[int]]


def run(job: Mapping[str, Any]) -> str:
    """Load the base, merge the adapter, and save the whole to `merged`; returns what was done."""
    shapes = _shapes(Path(job["adapter"]))
    model_class = getattr(transformers, job["model_class"], None)
    if model_class is None:
        raise Refused(f"{job['shown']} names the class {job['model_class']}, which transformers does not have")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Found missing adapter keys")
            torch.manual_seed(SEED)
            base, missing = _load_base(model_class, job, _num_labels(shapes))
            _check_missing(job["shown"], missing, shapes)
            _resize(base, shapes)
            model = peft.PeftModel.from_pretrained(base, job["adapter"])
            kind = str(model.peft_config["default"].peft_type).rpartition(".")[2]
            model.merge_and_unload().save_pretrained(job["merged"])
    except Refused:
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:MAX_WORDS]
        raise Refused(f"peft cannot merge the adapter of {job['shown']}: {type(error).__name__}: {words}") from error
    labels = _labels_note(base.config)
    return f"the adapter ({kind}) was merged into its base by peft {peft.__version__}{labels}"


def _load_base(model_class: Any, job: Mapping[str, Any], num_labels: int | None) -> tuple[Any, set[str]]:
    """The base in fp32 with as many labels as the adapter's head has, and the weights that it lacks."""
    settings: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(job["base"], **settings)
    if num_labels is not None and config.num_labels != num_labels:
        settings["num_labels"] = num_labels
    base, loading = model_class.from_pretrained(
        job["base"], dtype=torch.float32, use_safetensors=True, output_loading_info=True, **settings
    )
    return base, set(loading["missing_keys"])


def _check_missing(shown: str, missing: set[str], shapes: Shapes) -> None:
    """Refuse weights that neither the base nor the adapter has: they would be random."""
    given = {name.removeprefix(PREFIX).replace(".modules_to_save", "") for name in shapes}
    if made_up := sorted(name for name in missing - given if not name.startswith(UNUSED_WEIGHTS)):
        raise Refused(
            f"neither the adapter of {shown} nor its base has weights for {made_up[0]}: save the adapter with the head "
            "among its modules_to_save"
        )


def _resize(base: Any, shapes: Shapes) -> None:
    """Give the base as many tokens as the adapter was trained with, where it brings the embedding matrix."""
    rows = next((shape[0] for name, shape in shapes.items() if name.endswith(EMBEDDINGS)), None)
    if rows is not None and rows != base.get_input_embeddings().num_embeddings:
        base.resize_token_embeddings(rows, mean_resizing=False)


def _shapes(adapter: Path) -> Shapes:
    """The shapes of the adapter's own weights."""
    with safe_open(adapter / "adapter_model.safetensors", "pt") as file:
        return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 - not a dict


def _num_labels(shapes: Shapes) -> int | None:
    """How many labels the adapter's own head has; None without one."""
    return next((shape[0] for name, shape in shapes.items() if name.endswith(HEADS)), None)


def _labels_note(config: Any) -> str:
    """Say that labels have no names, where the config has only numbers for them."""
    names = list(config.id2label.values())
    if "Classification" not in config.architectures[0] or names != [f"LABEL_{label}" for label in range(len(names))]:
        return ""
    return "; its labels have no names, for adapters carry none: put a config.json with id2label beside it"
