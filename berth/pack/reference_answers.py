"""The known texts and what plain transformers answers: fp32, on the CPU, one text at a time.

It shares no code with the handler, or it would prove nothing. torch and transformers are imported late.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from handler.config import KNOWN_WORDS_STEP, Pooling, Task

from ..errors import Refused
from .checkpoint import AUTO_CLASSES, Checkpoint
from .contents import ReferenceAnswers
from .files import load_json
from .known_inputs import LABELS, known_inputs, known_parameters

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DECIMALS = 6
UNUSED_WEIGHTS = ("pooler.",)  # an encoder without a pooler embeds all the same: we read the last hidden state
WINDOW_TOKENS, STRIDE_TOKENS = 384, 128  # of a question's context, where the model takes so many; transformers' own
CLAIM = "This example is {}."  # transformers' hypothesis_template
Texts = tuple[str, ...]


def reference_answers(checkpoint: Checkpoint) -> ReferenceAnswers:
    """What transformers answers to the known inputs; Refused when it cannot load or answer."""
    model, tokenizer = _load(checkpoint)
    mask_token: str | None = tokenizer.mask_token
    if checkpoint.task is Task.FILL_MASK and mask_token is None:
        raise Refused(f"{checkpoint.root}: its tokenizer has no mask token, which fill-mask needs")
    inputs, parameters = known_inputs(checkpoint.task, mask_token), known_parameters(checkpoint.task)
    with _one_thread():
        answers = [_answer(checkpoint, model, tokenizer, item) for item in inputs]
    return ReferenceAnswers(inputs=inputs, parameters=parameters, answers=tuple(answers))


def _answer(
    checkpoint: Checkpoint, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, item: object
) -> list[float]:
    """The numbers that the model gives for everything that it reads of one input, in order."""
    import torch  # noqa: PLC0415

    numbers: list[float] = []
    with torch.inference_mode():
        for texts in _texts_of(checkpoint, item):
            for encoded in _encode(checkpoint, tokenizer, texts):
                output = _read_output(checkpoint, model(**encoded), encoded["input_ids"][0] == tokenizer.mask_token_id)
                numbers += _rounded(checkpoint, output.flatten())
    return numbers


def _texts_of(checkpoint: Checkpoint, item: object) -> list[Texts]:
    """The texts or pairs that the model reads for one input."""
    match item:
        case str() if checkpoint.task is Task.ZERO_SHOT_CLASSIFICATION:
            return [(item, CLAIM.format(label)) for label in LABELS]
        case str():
            return [(checkpoint.prompts.get(checkpoint.default_prompt or "", "") + item,)]
        case {"query": str(query), "texts": list(texts)}:
            return [(query, text) for text in texts]
        case dict():
            return [tuple(item.values())]
        case _:
            raise TypeError(item)


def _encode(checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerBase, texts: Texts) -> list[dict[str, Tensor]]:
    """One text or pair as the model reads it: its beginning, or its windows."""
    max_tokens = checkpoint.max_tokens
    cut: dict[str, Any] = {"truncation": True, "max_length": max_tokens}
    if checkpoint.task is Task.TOKEN_CLASSIFICATION:
        cut |= {"stride": min(STRIDE_TOKENS, max_tokens // 4), "return_overflowing_tokens": True}
    elif checkpoint.task is Task.QUESTION_ANSWERING:
        window = min(WINDOW_TOKENS, max_tokens)
        stride = min(STRIDE_TOKENS, window // 2)
        cut = {"truncation": "only_second", "max_length": window, "stride": stride, "return_overflowing_tokens": True}
    elif checkpoint.task is Task.ZERO_SHOT_CLASSIFICATION:
        cut["truncation"] = "only_first"
    encoded = tokenizer(*texts, **cut)
    names = [name for name in encoded if name != "overflow_to_sample_mapping"]
    rows = zip(
        *(encoded[name] if cut.get("return_overflowing_tokens") else [encoded[name]] for name in names), strict=True
    )
    return [_as_tensors(dict(zip(names, row, strict=True))) for row in rows]


def _as_tensors(row: dict[str, list[int]]) -> dict[str, Tensor]:
    import torch  # noqa: PLC0415

    return {name: torch.tensor([values]) for name, values in row.items()}


def _read_output(checkpoint: Checkpoint, output: Any, is_mask: Tensor) -> Tensor:
    """Vectors or logits of one text; of a vocabulary's logits a sample."""
    import torch  # noqa: PLC0415

    match checkpoint.task:
        case Task.EMBEDDINGS:
            return _embed(checkpoint, output.last_hidden_state[0])
        case Task.QUESTION_ANSWERING:
            return torch.stack((output.start_logits[0], output.end_logits[0]), dim=-1)
        case Task.FILL_MASK:
            logits: Tensor = output.logits[0, is_mask, ::KNOWN_WORDS_STEP]
            return logits
        case _:
            return cast("Tensor", output.logits[0])


@contextmanager
def _one_thread() -> Iterator[None]:
    """torch on one thread, so that answers do not depend on the number of cores."""
    import torch  # noqa: PLC0415

    # Nor does it cost time: two threads that wait by spinning took 4.3 s where one took 0.8, for a neighbour used
    # the other core (BERT-base, 2 cores, 2026-11-22).
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)


def _load(checkpoint: Checkpoint) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch  # noqa: PLC0415 - seconds, and only packing needs them
    import transformers  # noqa: PLC0415
    from safetensors import SafetensorError  # noqa: PLC0415

    auto_class = getattr(transformers, AUTO_CLASSES[checkpoint.task])
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    settings = {"local_files_only": True, "trust_remote_code": False}
    try:
        model, loading = auto_class.from_pretrained(
            checkpoint.root,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            output_loading_info=True,
            **settings,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.root, **settings)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise Refused(f"transformers cannot load {checkpoint.root}: {error}") from error
    _check_weights(checkpoint, loading["missing_keys"])
    return model.eval(), tokenizer


def _check_weights(checkpoint: Checkpoint, missing: set[str]) -> None:
    """Refused when transformers made weights up at random: the checkpoint is not for this task."""
    made_up = sorted(name for name in missing if not name.startswith(UNUSED_WEIGHTS))
    if made_up:
        raise Refused(
            f"{checkpoint.root} has no weights for {made_up[0]}, which {checkpoint.task} needs: choose the "
            "task that it was trained for with --task, or a checkpoint that was trained for this one"
        )


def _embed(checkpoint: Checkpoint, tokens: Tensor) -> Tensor:
    """One text's vector, as sentence-transformers pools its tokens [tokens, hidden]."""
    import torch  # noqa: PLC0415

    poolings = {Pooling.CLS: tokens[0], Pooling.MEAN: tokens.mean(dim=0), Pooling.MAX: tokens.amax(dim=0)}
    vector = poolings[checkpoint.pooling]
    for folder in checkpoint.dense:
        vector = _dense(checkpoint.root / folder, vector)
    return torch.nn.functional.normalize(vector, dim=0) if checkpoint.normalize else vector


def _dense(folder: Path, vector: Tensor) -> Tensor:
    """sentence-transformers' Dense module, out of its own files."""
    import torch  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    activation = str(load_json(folder / "config.json")["activation_function"]).rpartition(".")[2]
    result: Tensor = getattr(torch.nn, activation)()(
        torch.nn.functional.linear(vector, weights["linear.weight"], weights.get("linear.bias"))
    )
    return result


def _rounded(checkpoint: Checkpoint, values: Tensor) -> list[float]:
    rounded = [round(value, DECIMALS) for value in values.tolist()]
    if not all(math.isfinite(value) for value in rounded):
        raise Refused(f"{checkpoint.root} answers with numbers that are not finite: its weights are damaged")
    return rounded
