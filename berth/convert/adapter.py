"""An adapter of peft's is merged into its base: LoRA and its kin.

peft does it in berth/convert/merge.py, in a process of its own. The base was brought by berth/convert/base.py.
"""

import importlib.util
import shutil
from pathlib import Path

from ..checkpoint_files import CONFIG, WEIGHTS, WEIGHTS_INDEX, check_whole, load_json
from ..errors import Refused
from ..progress import Progress
from .child import run_isolated
from .folders import ADAPTER_CONFIG, ADAPTER_FOLDER, ADAPTER_WEIGHTS, has_safetensors, transformer_of

INSTALL = "pip install 'berth[lora]'"
# Kinds that add vectors or routes to the model's input instead of changing its weights (peft 0.21, PeftType).
NOT_MERGEABLE = (
    "ADAPTION_PROMPT",
    "CARTRIDGE",
    "CPT",
    "MULTITASK_PROMPT_TUNING",
    "POLY",
    "PREFIX_TUNING",
    "PROMPT_TUNING",
    "P_TUNING",
    "XLORA",
)
AUTO_CLASSES = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "FEATURE_EXTRACTION": "AutoModel",
}
OF_DECODERS = ("CAUSAL_LM", "SEQ_2_SEQ_LM")


def applies(folder: Path) -> bool:
    """Whether the folder holds an adapter; Refused when it cannot be merged."""
    transformer = transformer_of(folder)
    if (transformer / ADAPTER_FOLDER).is_dir():
        return True
    if not (transformer / ADAPTER_CONFIG).is_file():
        _check_named_adapters(transformer)
        return False
    _check_adapter(transformer)
    if importlib.util.find_spec("peft") is None:
        raise Refused(f"{folder} is an adapter, which peft merges into its base, and peft is not installed: {INSTALL}")
    return True


def convert(folder: Path, progress: Progress) -> str:
    """Merge the adapter beneath the base; what is left is a checkpoint like any other."""
    progress.begin("merging the adapter")
    transformer = transformer_of(folder)
    adapter = transformer / ADAPTER_FOLDER
    _check_brought(transformer)
    size_bytes = sum(file.stat().st_size for place in (transformer, adapter) for file in place.glob("*.safetensors"))
    job = {
        "base": str(transformer),
        "adapter": str(adapter),
        "shown": str(transformer / ADAPTER_CONFIG),
        "model_class": _model_class(transformer, load_json(adapter / ADAPTER_CONFIG)),
        "merged": str(transformer / f"{ADAPTER_FOLDER}-merged"),
    }
    note = run_isolated("merge", job, folder, size_bytes)
    _take_merged(transformer, Path(job["merged"]))
    shutil.rmtree(adapter)
    return note


def _check_adapter(transformer: Path) -> None:
    """Refuse an adapter that has no weights, has a whole model beside it, or is of a kind that cannot be merged."""
    path, config = transformer / ADAPTER_CONFIG, load_json(transformer / ADAPTER_CONFIG)
    kind, task = str(config.get("peft_type")), str(config.get("task_type"))
    if "peft_type" not in config:
        raise Refused(f"{path} names no peft_type, so it is not an adapter of peft's, and berth merges no other")
    if kind in NOT_MERGEABLE:
        raise Refused(
            f"{path} is an adapter of the kind {kind}, which cannot be merged into its base, so that TorchServe could "
            "not serve it without peft: train a LoRA, or the whole model"
        )
    if task in OF_DECODERS:
        raise Refused(f"{path} is an adapter for {task}, and berth serves encoders only")
    present = [transformer / name for name in ADAPTER_WEIGHTS if (transformer / name).is_file()]
    if not present:
        raise Refused(f"{path} has no {' or '.join(ADAPTER_WEIGHTS)} beside it: download the adapter again")
    check_whole(present[0])
    if has_safetensors(transformer):
        raise Refused(
            f"{transformer} holds an adapter and a whole model: take {WEIGHTS} out to have the adapter merged into its "
            "base, or take the adapter's files out to pack the model without it"
        )


def _check_named_adapters(transformer: Path) -> None:
    """Refuse a folder that holds nothing but folders of adapters, as peft saves those with names."""
    if not transformer.is_dir() or has_safetensors(transformer) or (transformer / CONFIG).is_file():
        return
    if inner := sorted(path.parent for path in transformer.glob(f"*/{ADAPTER_CONFIG}")):
        raise Refused(f"{transformer} holds adapters in folders of their own: pack one, such as {inner[0]}")


def _check_brought(transformer: Path) -> None:
    for name in (CONFIG, WEIGHTS):
        if not (transformer / name).is_file() and not (name == WEIGHTS and (transformer / WEIGHTS_INDEX).is_file()):
            raise Refused(f"the base of {transformer / ADAPTER_CONFIG} has no {name}: name a whole checkpoint")


def _model_class(transformer: Path, config: dict[str, object]) -> str:
    """The class that the adapter was trained on, as peft wrote it down; else the base's own."""
    if auto_class := AUTO_CLASSES.get(str(config.get("task_type"))):
        return auto_class
    mapping = config.get("auto_mapping")
    if isinstance(mapping, dict) and isinstance(named := mapping.get("base_model_class"), str):
        return named
    architectures = load_json(transformer / CONFIG).get("architectures")
    if isinstance(architectures, list) and architectures:
        return str(architectures[0])
    raise Refused(
        f"{transformer / ADAPTER_CONFIG} does not say what it was trained for: write its task_type there, one of "
        f"{', '.join(AUTO_CLASSES)}"
    )


def _take_merged(transformer: Path, merged: Path) -> None:
    """Put the merged model's files into the place of the base's."""
    for old in [*transformer.glob("*.safetensors"), transformer / WEIGHTS_INDEX]:
        old.unlink(missing_ok=True)
    for file in merged.iterdir():
        file.replace(transformer / file.name)
    merged.rmdir()
