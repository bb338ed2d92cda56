"""A folder of Hugging Face's format -> Checkpoint: what it answers, how, and which of its files travel.

Only JSON and names of weights are read here, no weights and no code: pickles and custom code are refused, never loaded.
"""

from collections.abc import Mapping
from pathlib import Path

from handler.config import ScoreFunction, Task
from handler.vectors.late import Late
from handler.vectors.settings import Vectors

from ..checkpoint_files import CONFIG, TOKENIZER_CONFIG, load_json
from ..convert.native import why_not_native
from ..errors import Refused
from ..layouts.gliclass import is_gliclass
from ..layouts.gliner import GLINER_CONFIG, is_gliner
from ..layouts.sentence import MODULES_FILE, Module, load_modules, transformer_folder
from .check.foreign import architecture_of
from .check.left_out import refuse_unmerged
from .check.setfit import check_setfit
from .check.untyped import refuse_untyped
from .checkpoint import Checkpoint
from .files import travelling_files
from .gliclass.checkpoint import load_gliclass_checkpoint, longest_tokens
from .gliner.checkpoint import load_gliner_checkpoint, tokens_without_positions
from .references import REFERENCES
from .sentence.cross_encoder import is_cross_encoder, score_function_of
from .sentence.embedding import Embedding, embedding_of, late_embedding
from .sentence.late import makes_late
from .sentence.modules import check_kinds
from .sentence.splade import refuse_bare_table
from .sentence.token_modules import token_vectors_of
from .sentence.transformer import max_sequence_length

Modules = tuple[Module, ...]
SAVE_AGAIN = (
    "if transformers knows the architecture by now, load it without trust_remote_code, save it again, and take "
    "auto_map out of the new file: transformers keeps it. Only where loading reports no MISSING and no UNEXPECTED "
    "weights: else the new file holds weights that transformers made up"
)
TOKENIZER_CODE = (
    "its tokenizer is Python code of its own, which berth never runs: take a checkpoint whose tokenizer is one of "
    "transformers' classes, or save one as tokenizer.json that gives the same ids, and take auto_map out"
)
DECODER_ENDING = "LMHeadModel"
SAME_HEADS = {"AutoModelForSequenceClassification", "AutoModelForTokenClassification"}  # both are `classifier`
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


def load_checkpoint(checkpoint: Path, task: Task | None) -> Checkpoint:
    """The checkpoint in a folder of today's form; Refused with what to do when it cannot be packed."""
    if is_gliner(checkpoint) or is_gliclass(checkpoint):
        return _load_labelled(checkpoint, task)
    check_setfit(checkpoint, task)
    refuse_unmerged(checkpoint)
    modules = load_modules(checkpoint)
    if task in (None, Task.EMBEDDINGS):
        check_kinds(checkpoint, modules)
    transformer = transformer_folder(checkpoint, modules)
    config = _load_config(transformer)
    is_told = task is not None or bool(modules)
    if task is not None:
        _check_given(transformer / CONFIG, config, task)
    if task in (None, Task.EMBEDDINGS):
        refuse_bare_table(checkpoint, modules, config)
    task = task or _task_of(checkpoint, modules, config)
    embedding = _embedding_of(checkpoint, modules, config, task)
    late = embedding.vectors.late if embedding.vectors else None
    if late is None:
        _check_labels(transformer / CONFIG, config, task)
    told = late.longest if late else max_sequence_length(transformer) if modules else None
    vectors = embedding.vectors or (token_vectors_of(transformer, embedding) if task is Task.EMBEDDINGS else None)
    of_tokens = vectors.modules if vectors else ()
    inner = tuple(module.path for module in modules if module.path and transformer == checkpoint)
    return Checkpoint(
        root=transformer.resolve(),
        files=travelling_files(transformer, (*inner, *of_tokens), (*embedding.dense, *of_tokens, *_tables(vectors))),
        task=task,
        is_task_told=is_told,
        max_tokens=_max_tokens(transformer, _usable_positions(config), told),
        pooling=embedding.pooling,
        dense=embedding.dense,
        normalize=embedding.normalize,
        truncate_dim=embedding.truncate_dim,
        prompts=embedding.prompts,
        default_prompt=embedding.default_prompt,
        vectors=vectors,
        score_function=_score_function(checkpoint, modules, config, late) if task is Task.TEXT_RANKING else None,
    )


def _load_labelled(checkpoint: Path, task: Task | None) -> Checkpoint:
    """A model that reads labels with its text: GLiNER's or GLiClass's."""
    config = _load_config(checkpoint)
    positions = _usable_positions(config)
    if is_gliner(checkpoint):
        tokens = _max_tokens(checkpoint, tokens_without_positions(checkpoint, config) or positions, None)
        return load_gliner_checkpoint(checkpoint, task, tokens)
    return load_gliclass_checkpoint(checkpoint, task, _max_tokens(checkpoint, longest_tokens(config, positions), None))


def _embedding_of(checkpoint: Path, modules: Modules, config: Mapping[str, object], task: Task) -> Embedding:
    """How the checkpoint embeds, for the tasks that make vectors: of late interaction ranking is one."""
    if makes_late(modules) and task in (Task.EMBEDDINGS, Task.TEXT_RANKING):
        return late_embedding(checkpoint, modules, _usable_positions(config))
    return embedding_of(checkpoint, modules if task is Task.EMBEDDINGS else ())


def _tables(vectors: Vectors | None) -> tuple[str, ...]:
    """Folders of weights that no model reads a text with."""
    return (vectors.query_table,) if vectors and vectors.query_table else ()


def _score_function(
    checkpoint: Path, modules: Modules, config: Mapping[str, object], late: Late | None
) -> ScoreFunction:
    """What turns a text's number into its score: nothing, where that is a sum of products."""
    return ScoreFunction.NONE if late else score_function_of(checkpoint, modules, config)


def _load_config(transformer: Path) -> dict[str, object]:
    """config.json; Refused when it is missing, or when the checkpoint brings code of its own."""
    config = load_json(transformer / CONFIG)
    if not config:
        raise Refused(
            f"{transformer} has no {CONFIG}: a checkpoint is a folder that transformers' save_pretrained made"
        )
    if config.get("auto_map"):
        raise Refused(
            f"{transformer / CONFIG} has an auto_map: this checkpoint brings code of its own, which berth never runs; "
            f"{why_not_native(config) or SAVE_AGAIN}"
        )
    if load_json(transformer / TOKENIZER_CONFIG).get("auto_map"):
        raise Refused(f"{transformer / TOKENIZER_CONFIG} has an auto_map: {TOKENIZER_CODE}")
    if not isinstance(config.get("model_type"), str):
        refuse_untyped(transformer)
    return config


def _task_of(checkpoint: Path, modules: tuple[Module, ...], config: Mapping[str, object]) -> Task:
    """The task that the checkpoint's own files name; Refused with the tasks there are when they name none."""
    if is_cross_encoder(checkpoint, config) and [module.kind for module in modules] in ([], ["Transformer"]):
        return Task.TEXT_RANKING if len(labels_of(config)) == 1 else _task_of_architecture(checkpoint, config)
    return Task.EMBEDDINGS if modules else _task_of_architecture(checkpoint, config)


def _task_of_architecture(checkpoint: Path, config: Mapping[str, object]) -> Task:
    """The task that config.json's architecture was trained for; Refused when it names none, or a decoder."""
    architecture = architecture_of(config)
    for task, reference in REFERENCES.items():
        if reference.is_named_by(architecture) and not architecture.endswith(DECODER_ENDING):
            return task
    found = f"{CONFIG}'s architecture is {architecture}" if architecture else f"{CONFIG} names no architecture"
    raise Refused(f"cannot tell the task of {checkpoint}: {found}; choose one with --task: {', '.join(Task)}")


def reason_of(checkpoint: Path, task: Task) -> str:
    """What told that the folder's checkpoint is for this task."""
    if is_gliner(checkpoint):
        return f"by {GLINER_CONFIG}"
    if is_gliclass(checkpoint):
        return f"by {CONFIG}'s model_type"
    check_setfit(checkpoint, task)
    modules = load_modules(checkpoint)
    if task is Task.EMBEDDINGS and modules:
        return f"by {MODULES_FILE}"
    config = load_json(transformer_folder(checkpoint, modules) / CONFIG)
    if task is Task.TEXT_RANKING and is_cross_encoder(checkpoint, config):
        return "by sentence-transformers' mark of a cross-encoder"
    return f"by {CONFIG}'s architecture"


def _check_given(config_file: Path, config: Mapping[str, object], task: Task) -> None:
    """Refuse a classifier of texts for tokens, and the reverse: both heads have one name, and would load."""
    architecture = architecture_of(config)
    named = next((each for each in REFERENCES.values() if each.is_named_by(architecture)), REFERENCES[task])
    if {named.auto_class, REFERENCES[task].auto_class} == SAME_HEADS:
        raise Refused(
            f"{config_file}: the architecture is {architecture}, and --task {task} would make answers of a head that "
            "was trained for something else: leave --task out"
        )


def labels_of(config: Mapping[str, object]) -> list[str]:
    """The labels of a classifier as transformers reads them: two, when config.json tells neither names nor number."""
    names, number = config.get("id2label"), config.get("num_labels")
    if isinstance(names, dict):
        return [str(names[key]) for key in sorted(names, key=_number_of)]
    return [f"LABEL_{index}" for index in range(number if isinstance(number, int) else 2)]


def _number_of(key: str) -> int:
    """The output that a key of id2label names; check/labels.py refuses what is no number."""
    return int(key) if key.lstrip("-").isdecimal() else 0


def _check_labels(config_file: Path, config: Mapping[str, object], task: Task) -> None:
    """Refused when the task cannot be answered with the labels that there are."""
    labels = labels_of(config)
    if wrong := REFERENCES[task].wrong_labels(labels):
        raise Refused(f"the labels in {config_file} are {', '.join(labels[:10])}; {wrong}")


def _max_tokens(transformer: Path, positions: int | None, told: int | None) -> int:
    """What sentence-transformers was told in the place of the tokenizer's own limit; never more than the positions."""
    own = load_json(transformer / TOKENIZER_CONFIG).get("model_max_length")
    limits = (own if told is None else told, positions)
    known = [limit for limit in limits if isinstance(limit, int) and 0 < limit < NO_LIMIT_TOKENS]
    if not known:
        raise Refused(
            f"{transformer} does not say how many tokens it takes: set model_max_length in {TOKENIZER_CONFIG}"
        )
    return min(known)


def _usable_positions(config: Mapping[str, object]) -> int | None:
    """How many tokens have a position; None when config.json does not say."""
    positions, padding = config.get("max_position_embeddings"), config.get("pad_token_id")
    if not isinstance(positions, int) or config.get("model_type") not in POSITIONS_AFTER_PADDING:
        return positions if isinstance(positions, int) else None
    return positions - (padding if isinstance(padding, int) else 1) - 1  # 1: transformers' default for these types
