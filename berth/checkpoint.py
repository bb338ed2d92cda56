"""A local Hugging Face folder -> Checkpoint: what it answers, how, and which of its files travel.

Only JSON is read here, no weights and no code: pickles and custom code are refused, never loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handler.config import Pooling, Task

from .errors import Refused
from .folder import load_json, local_folder, travelling_files
from .sample import NAME as SAMPLE_NAME
from .sample import sample_folder
from .sentence import load_modules, pooling_of, transformer_folder

AUTO_CLASSES = {
    Task.EMBEDDINGS: "AutoModel",
    Task.TEXT_CLASSIFICATION: "AutoModelForSequenceClassification",
}
NO_LIMIT_TOKENS = 1_000_000  # tokenizers without a limit say 1e30 (transformers, VERY_LARGE_INTEGER)
# Types whose positions start behind the padding id (transformers 5, create_position_ids_from_input_ids).
POSITIONS_AFTER_PADDING = frozenset(
    {
        "camembert",
        "data2vec-text",
        "esm",
        "ibert",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder that can be packed: safetensors, no custom code, a task that we know."""

    root: Path
    files: tuple[str, ...]
    """Relative paths of what travels, sorted."""
    name: str
    """The model's name unless one is given."""
    task: Task
    pooling: Pooling
    normalize: bool
    max_tokens: int
    """Longest text in tokens, special tokens included."""


def load_checkpoint(path: Path | None, task: Task | None) -> Checkpoint:
    """The checkpoint in `path`, or the sample model; Refused with what to do when it cannot be packed."""
    folder = sample_folder() if path is None else local_folder(path)
    modules = load_modules(folder)
    root = transformer_folder(folder, modules)
    config = _load_config(root)
    task = task or _task_of(folder, config, pools=any(module.kind == "Pooling" for module in modules))
    pooling, normalize = pooling_of(folder, modules if task is Task.EMBEDDINGS else ())
    subfolders = tuple(module.path for module in modules if module.path and root == folder)
    return Checkpoint(
        root=root.resolve(),
        files=travelling_files(folder, root, subfolders, AUTO_CLASSES[task]),
        name=SAMPLE_NAME if path is None else folder.resolve().name,
        task=task,
        pooling=pooling,
        normalize=normalize,
        max_tokens=_max_tokens(root, config),
    )


def _load_config(root: Path) -> dict[str, object]:
    """config.json; Refused when it is missing, or when the checkpoint brings code of its own."""
    config = load_json(root / "config.json")
    if not config:
        raise Refused(f"{root} holds no config.json: a checkpoint is a folder that transformers' save_pretrained made")
    for name in ("config.json", "tokenizer_config.json"):
        if "auto_map" in load_json(root / name):
            raise Refused(
                f"{root / name} has an auto_map: this checkpoint brings code of its own, which berth never "
                "runs; if transformers knows the architecture by now, save it again without trust_remote_code"
            )
    return config


def _task_of(folder: Path, config: Mapping[str, object], *, pools: bool) -> Task:
    """The task that the checkpoint's own files name; Refused with the tasks there are when they name none."""
    architectures = config.get("architectures")
    architecture = str(architectures[0]) if isinstance(architectures, list) and architectures else ""
    if pools or architecture.endswith("Model"):
        return Task.EMBEDDINGS
    if architecture.endswith("ForSequenceClassification"):
        return Task.TEXT_CLASSIFICATION
    found = f"config.json's architecture is {architecture}" if architecture else "config.json names no architecture"
    raise Refused(f"cannot tell the task of {folder}: {found}; choose one with --task: {', '.join(Task)}")


def _max_tokens(root: Path, config: Mapping[str, object]) -> int:
    """The smallest of what sentence-transformers, the tokenizer and the positions allow."""
    limits = (
        load_json(root / "sentence_bert_config.json").get("max_seq_length"),
        load_json(root / "tokenizer_config.json").get("model_max_length"),
        _usable_positions(config),
    )
    known = [limit for limit in limits if isinstance(limit, int) and 0 < limit < NO_LIMIT_TOKENS]
    if not known:
        raise Refused(f"{root} does not say how many tokens it takes: set model_max_length in tokenizer_config.json")
    return min(known)


def _usable_positions(config: Mapping[str, object]) -> int | None:
    positions, padding = config.get("max_position_embeddings"), config.get("pad_token_id")
    if not isinstance(positions, int) or config.get("model_type") not in POSITIONS_AFTER_PADDING:
        return positions if isinstance(positions, int) else None
    return positions - (padding if isinstance(padding, int) else 1) - 1  # 1: transformers' default for these types
