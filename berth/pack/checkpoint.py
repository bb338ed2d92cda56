"""A local Hugging Face folder -> Checkpoint: what it answers, how, and which of its files travel.

Only JSON is read here, no weights and no code: pickles and custom code are refused, never loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handler.config import Pooling, ScoreFunction, Task

from ..errors import Refused
from .files import load_json, local_folder, travelling_files
from .sample import NAME as SAMPLE_NAME
from .sample import sample_folder
from .sentence_transformers import (
    Module,
    embedding_of,
    is_cross_encoder,
    load_modules,
    max_sequence_length,
    score_function_of,
    transformer_folder,
)

AUTO_CLASSES = {
    Task.EMBEDDINGS: "AutoModel",
    Task.TEXT_CLASSIFICATION: "AutoModelForSequenceClassification",
    Task.TOKEN_CLASSIFICATION: "AutoModelForTokenClassification",
    Task.QUESTION_ANSWERING: "AutoModelForQuestionAnswering",
    Task.FILL_MASK: "AutoModelForMaskedLM",
    Task.TEXT_RANKING: "AutoModelForSequenceClassification",
    Task.ZERO_SHOT_CLASSIFICATION: "AutoModelForSequenceClassification",
}
# How the architectures end that were trained for a task.
HEADS = {
    "Model": Task.EMBEDDINGS,
    "ForSequenceClassification": Task.TEXT_CLASSIFICATION,
    "ForTokenClassification": Task.TOKEN_CLASSIFICATION,
    "ForQuestionAnswering": Task.QUESTION_ANSWERING,
    "ForMaskedLM": Task.FILL_MASK,
}
# These hold a masked language model whole, and something beside it; ELECTRA's is a discriminator instead.
PRETRAINED_ON_MASKS = frozenset(
    f"{name}ForPreTraining" for name in ("Albert", "Bert", "Ernie", "MegatronBert", "MobileBert")
)
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
    max_tokens: int
    """Longest text in tokens, special tokens included."""
    pooling: Pooling = Pooling.MEAN
    dense: tuple[str, ...] = ()
    normalize: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    score_function: ScoreFunction | None = None
    """What turns the logit of text-ranking into a score; None for other tasks."""


def load_checkpoint(path: Path | None, task: Task | None) -> Checkpoint:
    """The checkpoint in `path`, or the sample model; Refused with what to do when it cannot be packed."""
    folder = sample_folder() if path is None else local_folder(path)
    modules = load_modules(folder)
    root = transformer_folder(folder, modules)
    config = _load_config(root)
    task = task or _task_of(folder, modules, config)
    _check_labels(root, config, task)
    embedding = embedding_of(folder, modules if task is Task.EMBEDDINGS else ())
    subfolders = tuple(module.path for module in modules if module.path and root == folder)
    return Checkpoint(
        root=root.resolve(),
        files=travelling_files(folder, root, subfolders, embedding.dense, AUTO_CLASSES[task]),
        name=SAMPLE_NAME if path is None else folder.resolve().name,
        task=task,
        max_tokens=_max_tokens(root, config),
        pooling=embedding.pooling,
        dense=embedding.dense,
        normalize=embedding.normalize,
        prompts=embedding.prompts,
        default_prompt=embedding.default_prompt,
        score_function=score_function_of(folder, config) if task is Task.TEXT_RANKING else None,
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


def _task_of(folder: Path, modules: tuple[Module, ...], config: Mapping[str, object]) -> Task:
    """The task that the checkpoint's own files name; Refused with the tasks there are when they name none."""
    if is_cross_encoder(folder, config) and [module.kind for module in modules] in ([], ["Transformer"]):
        return Task.TEXT_RANKING if len(_labels(config)) == 1 else _task_of_head(folder, config)
    return Task.EMBEDDINGS if modules else _task_of_head(folder, config)


def _task_of_head(folder: Path, config: Mapping[str, object]) -> Task:
    architectures = config.get("architectures")
    architecture = str(architectures[0]) if isinstance(architectures, list) and architectures else ""
    if architecture in PRETRAINED_ON_MASKS:
        return Task.FILL_MASK
    for ending, task in HEADS.items():
        if architecture.endswith(ending) and not architecture.endswith("LMHeadModel"):  # a decoder
            return task
    found = f"config.json's architecture is {architecture}" if architecture else "config.json names no architecture"
    raise Refused(f"cannot tell the task of {folder}: {found}; choose one with --task: {', '.join(Task)}")


def _labels(config: Mapping[str, object]) -> list[str]:
    """The labels of a classifier as transformers reads them: two, when config.json tells neither names nor number."""
    names, number = config.get("id2label"), config.get("num_labels")
    if isinstance(names, dict):
        return [str(name) for name in names.values()]
    return [f"LABEL_{index}" for index in range(number if isinstance(number, int) else 2)]


def _check_labels(root: Path, config: Mapping[str, object], task: Task) -> None:
    """Refused when the task cannot be answered with the labels that there are."""
    labels = _labels(config)
    found = f"the labels in {root / 'config.json'} are {', '.join(labels[:10])}"
    if task is Task.TEXT_RANKING and len(labels) != 1:
        raise Refused(f"{found}; text-ranking needs exactly one: a classifier is for --task text-classification")
    is_nli = len(labels) > 1 and any(label.lower().startswith("entail") for label in labels)
    if task is Task.ZERO_SHOT_CLASSIFICATION and not is_nli:
        raise Refused(
            f"{found}; zero-shot-classification needs one that begins with `entail`, and another: if this model was "
            "trained for natural language inference, write the names of its labels into id2label and label2id"
        )


def _max_tokens(root: Path, config: Mapping[str, object]) -> int:
    """The smallest of what sentence-transformers, the tokenizer and the positions allow."""
    limits = (
        max_sequence_length(root),
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
