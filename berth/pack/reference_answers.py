"""What plain transformers answers to the known inputs: in fp32, on the CPU, one text at a time.

It shares no code with the handler, or it would prove nothing. It imports torch and transformers, which takes seconds:
import it when they are needed.
"""

import json
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from logging import CRITICAL
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassFieldValidationError
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..checkpoint_files import CONFIG, load_json
from ..errors import Refused
from ..progress import Advance, ignore
from .check.left_out import Loading, left_out_weights
from .check.loaded import check_loaded
from .checkpoint import Checkpoint
from .contents import ReferenceAnswers
from .known_inputs import known_inputs
from .references import reference_of
from .references.known_texts import GOLDEN_TEXTS, TEXTS
from .references.reference import Reference, Texts
from .references.static_embeddings import StaticReference
from .sentence.static import has_table

Answer = Callable[[object], list[float]]
"""A known input -> the numbers that the model gives for it."""
DECIMALS = 6
KINDS_IN_WORDS = {
    "NoneType": "null",
    "bool": "true or false",
    "dict": "an object",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "str": "a text",
}


def reference_answers(checkpoint: Checkpoint, advance: Advance = ignore) -> ReferenceAnswers:
    """What transformers answers to the known inputs; Refused when it cannot load or answer, or does not fit.

    `advance` takes 1 for each of them, at most `count_inputs(checkpoint)` (berth/pack/references).
    """
    if has_table(checkpoint):
        return _static_answers(checkpoint, advance)
    reference = reference_of(checkpoint)
    with _silent_transformers():
        with _refusing(checkpoint, f"transformers cannot load {checkpoint.root}"):
            model, tokenizer, left_out = _load(checkpoint)
            check_loaded(checkpoint, model, tokenizer)
        made_of = partial(known_inputs, checkpoint, model, tokenizer)
        with (
            _refusing(checkpoint, f"transformers cannot answer with {checkpoint.root}"),
            _one_thread(),
            torch.inference_mode(),
        ):
            inputs, golden_inputs = (made_of(reference, texts) for texts in (TEXTS, GOLDEN_TEXTS))
            ask = partial(_answer, checkpoint, model, tokenizer)
            answers = _answers(partial(ask, reference), inputs, advance)
            prompted = {
                name: _answers(partial(ask, each), made_of(each, TEXTS), advance)
                for name, each in reference.prompted.items()
            }
    return ReferenceAnswers(
        inputs=inputs,
        parameters=reference.parameters,
        answers=answers,
        golden_inputs=golden_inputs,
        prompted=prompted,
        left_out=left_out,
    )


def _static_answers(checkpoint: Checkpoint, advance: Advance) -> ReferenceAnswers:
    """What a table of vectors gives for the known inputs."""
    table = StaticReference(checkpoint)
    answers = []
    for text in TEXTS:
        answers.append(_rounded(checkpoint, table.vector(text)))
        advance(1)
    return ReferenceAnswers(inputs=TEXTS, parameters={}, answers=tuple(answers), golden_inputs=GOLDEN_TEXTS)


@contextmanager
def _silent_transformers() -> Iterator[None]:
    """Nothing of its bars, tables and warnings: what matters of them is said as a sentence, or refused."""
    logging = transformers.utils.logging
    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity(CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)


def _answers(answer: Answer, inputs: Sequence[object], advance: Advance) -> tuple[object, ...]:
    """What the model answers to each known input."""
    answers = []
    for item in inputs:
        answers.append(answer(item))
        advance(1)
    return tuple(answers)


def _answer(
    checkpoint: Checkpoint,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    reference: Reference,
    item: object,
) -> list[float]:
    """The numbers that the model gives for everything that it reads of one input, in order."""
    if reference.ask is not None:
        return _rounded(checkpoint, reference.ask(checkpoint, model, tokenizer, item))
    numbers: list[float] = []
    for texts in reference.texts(checkpoint, item):
        cut = reference.cut(checkpoint.max_tokens)
        own = reference.encode and reference.encode(checkpoint, tokenizer, texts)
        for encoded in own or _encode(tokenizer, texts, cut):
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
def _refusing(checkpoint: Checkpoint, what: str) -> Iterator[None]:
    """Turn whatever the library raises into one sentence with its words: a checkpoint can make it raise anything."""
    try:
        yield
    except Refused:
        raise
    except StrictDataclassFieldValidationError as error:
        raise Refused(_wrong_kind(checkpoint.root / CONFIG, str(error.__cause__))) from error
    except Exception as error:
        words = " ".join(str(error).split())  # many are several lines
        auto_class = reference_of(checkpoint).auto_class
        raise Refused(
            f"{what}: {type(error).__name__}: {words}; berth packs what "
            f"transformers {transformers.__version__} loads with {auto_class}.from_pretrained"
        ) from error


def _wrong_kind(config_file: Path, said: str) -> str:
    """What to write in the place of a value of another kind than a setting's, given what its class said of it."""
    names, kinds = re.findall(r"Field '(\w+)'", said), re.findall(r"expected (\w+), got", said)
    if not names:
        return f"{config_file} has a setting that transformers does not take: {' '.join(said.split())}"
    wanted = " or ".join(dict.fromkeys(KINDS_IN_WORDS.get(kind, kind) for kind in kinds)) or "something else"
    return (
        f"{config_file}: {names[0]} is {json.dumps(load_json(config_file).get(names[0]))}, and transformers wants "
        f"{wanted} there: write that, or take the line out for its own default"
    )


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


def _load(checkpoint: Checkpoint) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, tuple[str, ...]]:
    """The model, its tokenizer and what of the weights is left out, from local files alone."""
    _check_type(checkpoint)
    reference = reference_of(checkpoint)
    auto_class = getattr(transformers, reference.auto_class)
    settings = {"local_files_only": True, "trust_remote_code": False}
    model, loading = auto_class.from_pretrained(
        checkpoint.root,
        dtype=torch.float32,
        attn_implementation=reference.attention,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # _check_shapes says which, where transformers only says that there are some
        return_dict=True,  # config.json may say otherwise
        **settings,
    )
    _check_shapes(checkpoint, loading["mismatched_keys"])
    left_out = left_out_weights(checkpoint, _loading(model, loading))
    return model.eval(), transformers.AutoTokenizer.from_pretrained(checkpoint.root, **settings), left_out


def _check_type(checkpoint: Checkpoint) -> None:
    """Refuse a type of model that transformers does not know: its own words want it updated, and it is pinned."""
    model_type = load_json(checkpoint.root / CONFIG).get("model_type")
    if model_type not in transformers.CONFIG_MAPPING:
        raise Refused(
            f"{checkpoint.root / CONFIG}: its model_type is {model_type}, which transformers "
            f"{transformers.__version__} does not know: it cannot be packed with this berth"
        )


def _loading(model: PreTrainedModel, loading: dict[str, Any]) -> Loading:
    return Loading(
        missing=loading["missing_keys"],
        unexpected=loading["unexpected_keys"],
        prefix=model.base_model_prefix,
        parts={name for name, _ in model.base_model.named_children()},
    )


def _check_shapes(checkpoint: Checkpoint, mismatched: set[tuple[str, torch.Size, torch.Size]]) -> None:
    """Refuse weights of another shape than config.json says: transformers made them up at random."""
    if mismatched:
        name, found, expected = min(mismatched)
        raise Refused(
            f"{checkpoint.root}: the shape of {name} is {list(found)}, and by config.json it would be "
            f"{list(expected)}: they are not of one model; save both again with model.save_pretrained"
        )


def _rounded(checkpoint: Checkpoint, numbers: list[float]) -> list[float]:
    if not all(math.isfinite(number) for number in numbers):
        raise Refused(f"{checkpoint.root} answers with numbers that are not finite: its weights are damaged")
    return [round(number, DECIMALS) for number in numbers]
