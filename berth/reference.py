"""The known texts and what plain transformers answers: fp32, on the CPU, one text at a time.

It shares no code with the handler, or it would prove nothing. torch and transformers are imported late.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handler.config import Pooling, Task

from .archive import ReferenceAnswers
from .checkpoint import AUTO_CLASSES, Checkpoint
from .errors import Refused

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DECIMALS = 6
HARBOUR = (
    "A berth is the place where a ship lies when she is in harbour: deep enough for her keel, long enough "
    "for her hull, with bollards to hold her and cranes to unload her. The harbour master gives it to her "
    "before she arrives, by her length and her draught, and not by her flag. When the tide turns she leaves "
    "it clean for the next one, and nobody on the quay needs to know her by name."
)
TEXTS = (
    "hello world",
    "",
    "A",
    "Größe, naïveté, 東京タワー, Привет мир, שלום 🚢⚓️👩‍🔬",
    "The quick brown fox jumps over the lazy dog; 12,345.67 % of readers have seen it do so before!",
    HARBOUR,
    " ".join([HARBOUR] * 8),  # longer than most models take: proves where they cut, and any window
)
PAIR = {"text": "How deep is the harbour?", "text_pair": "At low tide there are nine metres of water."}
UNUSED_WEIGHTS = ("pooler.",)  # an encoder without a pooler embeds all the same: we read the last hidden state


def reference_answers(checkpoint: Checkpoint) -> ReferenceAnswers:
    """What transformers answers to the known texts; Refused when it cannot load or answer."""
    model, tokenizer = _load(checkpoint)
    answer = _embed if checkpoint.task is Task.EMBEDDINGS else _classify
    inputs = TEXTS if checkpoint.task is Task.EMBEDDINGS else (*TEXTS, PAIR)
    with _one_thread():
        answers = [answer(checkpoint, model, _encode(tokenizer, text, checkpoint.max_tokens)) for text in inputs]
    return ReferenceAnswers(inputs=inputs, answers=tuple(answers))


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


def _encode(tokenizer: PreTrainedTokenizerBase, text: str | dict[str, str], max_tokens: int) -> dict[str, Tensor]:
    parts = {"text": text} if isinstance(text, str) else text
    encoded = tokenizer(**parts, truncation=True, max_length=max_tokens, return_tensors="pt")
    return dict(encoded)


def _embed(checkpoint: Checkpoint, model: PreTrainedModel, encoded: dict[str, Tensor]) -> list[float]:
    """One text's vector, as sentence-transformers pools it."""
    import torch  # noqa: PLC0415

    with torch.inference_mode():
        tokens = model(**encoded).last_hidden_state[0]  # [tokens, hidden]
    vector = tokens[0] if checkpoint.pooling is Pooling.CLS else tokens.mean(dim=0)
    if checkpoint.normalize:
        vector = torch.nn.functional.normalize(vector, dim=0)
    return _rounded(checkpoint, vector)


def _classify(checkpoint: Checkpoint, model: PreTrainedModel, encoded: dict[str, Tensor]) -> list[dict[str, object]]:
    """One text's labels by falling score, as transformers' text-classification pipeline scores them."""
    import torch  # noqa: PLC0415

    with torch.inference_mode():
        logits = model(**encoded).logits[0]  # [labels]
    scores = _rounded(checkpoint, _scores(logits, model.config.problem_type))
    labels: dict[int, str] = model.config.id2label  # type: ignore[assignment]  # transformers makes the keys int
    ranked = sorted(enumerate(scores), key=lambda pair: pair[1], reverse=True)
    return [{"label": labels[index], "score": score} for index, score in ranked]


def _scores(logits: Tensor, problem_type: str | None) -> Tensor:
    if problem_type == "regression":
        return logits
    if problem_type == "multi_label_classification" or len(logits) == 1:
        return logits.sigmoid()
    return logits.softmax(dim=0)


def _rounded(checkpoint: Checkpoint, values: Tensor) -> list[float]:
    rounded = [round(value, DECIMALS) for value in values.tolist()]
    if not all(math.isfinite(value) for value in rounded):
        raise Refused(f"{checkpoint.root} answers with numbers that are not finite: its weights are damaged")
    return rounded
