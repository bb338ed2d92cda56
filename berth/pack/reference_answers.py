"""What plain transformers answers to the known inputs: in fp32, on the CPU, one text at a time.

It shares no code with the handler, or it would prove nothing. It imports torch and transformers, which takes seconds:
import it when they are needed.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..errors import Refused
from .check.loaded import check_loaded
from .checkpoint import Checkpoint
from .contents import ReferenceAnswers
from .references import REFERENCES
from .references.reference import Texts

DECIMALS = 6
UNUSED_WEIGHTS = ("pooler.",)  # an encoder without a pooler embeds all the same: we read the last hidden state


def reference_answers(checkpoint: Checkpoint) -> ReferenceAnswers:
    """What transformers answers to the known inputs; Refused when it cannot load or answer, or does not fit."""
    reference = REFERENCES[checkpoint.task]
    with _refusing(f"transformers cannot load {checkpoint.root}"):
        model, tokenizer = _load(checkpoint)
        check_loaded(checkpoint, model, tokenizer)
    inputs = reference.inputs(checkpoint, tokenizer.mask_token)
    with _refusing(f"transformers cannot answer with {checkpoint.root}"), _one_thread(), torch.inference_mode():
        answers = [_answer(checkpoint, model, tokenizer, item) for item in inputs]
    return ReferenceAnswers(inputs=inputs, parameters=reference.parameters, answers=tuple(answers))


def _answer(
    checkpoint: Checkpoint, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, item: object
) -> list[float]:
    """The numbers that the model gives for everything that it reads of one input, in order."""
    reference = REFERENCES[checkpoint.task]
    numbers: list[float] = []
    for texts in reference.texts(checkpoint, item):
        for encoded in _encode(tokenizer, texts, reference.cut(checkpoint.max_tokens)):
            is_mask = encoded["input_ids"][0] == tokenizer.mask_token_id
            numbers += reference.read(checkpoint, model(**encoded), is_mask)
    return _rounded(checkpoint, numbers)


def _encode(tokenizer: PreTrainedTokenizerBase, texts: Texts, cut: dict[str, Any]) -> list[dict[str, Tensor]]:
    """One text or pair as the model reads it: its beginning, or its windows."""
    encoded = tokenizer(*texts, **cut)
    names = [name for name in encoded if name != "overflow_to_sample_mapping"]
    has_windows = cut.get("return_overflowing_tokens")
    rows = zip(*(encoded[name] if has_windows else [encoded[name]] for name in names), strict=True)
    return [{name: torch.tensor([ids]) for name, ids in zip(names, row, strict=True)} for row in rows]


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Turn whatever the library raises into one sentence with its words: a checkpoint can make it raise anything."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        words = " ".join(str(error).split())  # many are several lines
        raise Refused(f"{what}: {type(error).__name__}: {words}") from error


@contextmanager
def _one_thread() -> Iterator[None]:
    """torch on one thread, so that answers do not depend on the number of cores."""
    # Nor does it cost time: two threads that wait by spinning took 4.3 s where one took 0.8, for a neighbour used
    # the other core (BERT-base, 2 cores, 2026-11-22).
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)


def _load(checkpoint: Checkpoint) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model and its tokenizer, from local files alone."""
    auto_class = getattr(transformers, REFERENCES[checkpoint.task].auto_class)
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    settings = {"local_files_only": True, "trust_remote_code": False}
    model, loading = auto_class.from_pretrained(
        checkpoint.root,
        dtype=torch.float32,
        attn_implementation="eager",
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # _check_shapes says which, where transformers only says that there are some
        **settings,
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.root, **settings)
    _check_shapes(checkpoint, loading["mismatched_keys"])
    _check_weights(checkpoint, loading["missing_keys"])
    return model.eval(), tokenizer


def _check_shapes(checkpoint: Checkpoint, mismatched: set[tuple[str, torch.Size, torch.Size]]) -> None:
    """Refuse weights of another shape than config.json says: transformers made them up at random."""
    if mismatched:
        name, found, expected = min(mismatched)
        raise Refused(
            f"{checkpoint.root}: the shape of {name} is {list(found)}, and by config.json it would be "
            f"{list(expected)}: they are not of one model; save both again with model.save_pretrained"
        )


def _check_weights(checkpoint: Checkpoint, missing: set[str]) -> None:
    """Refused when transformers made weights up at random: the checkpoint is not for this task."""
    made_up = sorted(name for name in missing if not name.startswith(UNUSED_WEIGHTS))
    if made_up:
        raise Refused(
            f"{checkpoint.root} has no weights for {made_up[0]}, which {checkpoint.task} needs: choose the "
            "task that it was trained for with --task, or a checkpoint that was trained for this one"
        )


def _rounded(checkpoint: Checkpoint, numbers: list[float]) -> list[float]:
    if not all(math.isfinite(number) for number in numbers):
        raise Refused(f"{checkpoint.root} answers with numbers that are not finite: its weights are damaged")
    return [round(number, DECIMALS) for number in numbers]
