"""Why a model answers as it does: each token's share of a score, by captum's layer integrated gradients.

It runs on the weights that predictions run on, one input at a time. Its cost is bounded three ways, in tokens, steps
and seconds per batch, because the batch's predictions wait for it.
"""

import inspect
import time
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from ..config import HandlerConfig
from ..engine.heads.adapters import reading
from ..engine.model import Model
from ..engine.packing import find_first_position
from ..errors import InputTooLong, InternalError, NotNow, RequestError
from ..inputs import TextInput
from ..parameters import ExplanationParameters
from ..payload import Prediction
from ..tasks import TASKS
from ..tasks.heads import NamedHead
from ..tasks.kind import Reading
from ..text.encoded import EncodedText
from ..text.passages import Cut, Layout, Passages, TextPair
from ..text.tokenization import Tokenizer
from .subjects import SUBJECTS, Score

MAX_TOKENS = 512
MAX_CHARACTERS = 50_000  # to be tokenised for them
LIMIT_S = 5.0  # of one batch, for all its explanations together
STEP_TOKENS = 512  # that go forward and back at once: 400 MB of BERT-base's activations
TOO_SLOW = (
    f"explanations may take {LIMIT_S:g} s of a batch, and this one had not finished by then: try again, with a shorter "
    "text or a smaller n_steps"
)


class Explainer:
    """A loaded model that explains its own answers."""

    def __init__(self, model: Model, tokenizer: Tokenizer, config: HandlerConfig, head: NamedHead) -> None:
        self._network = model.network
        self._columns = head.columns
        self._adapters, self._adapter = model.adapters, head.adapter
        self._tokenizer = tokenizer
        self._keys = TASKS[config.task].keys
        self._subject = SUBJECTS[config.task](head.hf_config, tokenizer.hf)
        self._layout = Layout(
            max_tokens=min(config.max_tokens, MAX_TOKENS), cut=self._subject.cut, uncut=self._subject.uncut
        )
        self._first_position = find_first_position(self._network)
        self._takes_positions = "position_ids" in inspect.signature(self._network.forward).parameters

    def explain(self, source: TextInput, parameters: ExplanationParameters, deadline_s: float) -> Prediction:
        """Explain one input; RequestError where that is not done by deadline_s (time.monotonic), or cannot be."""
        text = msgspec.structs.replace(self._encode(source, parameters, deadline_s), adapter=self._adapter)
        with reading(self._adapters, [text], [text.num_tokens]):
            return self._explain(source, text, parameters, deadline_s)

    def _explain(
        self, source: TextInput, text: EncodedText, parameters: ExplanationParameters, deadline_s: float
    ) -> Prediction:
        inputs = self._inputs(text)
        with torch.no_grad():  # not inference_mode, whose tensors gradients cannot pass
            reading = Reading(source=source, texts=[text], rows=[])
            answer, score = self._subject.choose(reading, self._ask(inputs), parameters.target)
        baseline = self._baseline(text).to(inputs["input_ids"].device)
        attributions, figures = self._attribute(inputs, baseline, score, parameters.n_steps, deadline_s)
        if not np.isfinite([*attributions, *figures.values()]).all():
            raise InternalError("the model's output overflowed: its explanation is not finite")
        tokens = self._name_tokens(text, attributions)
        return Prediction(
            value={**answer, **figures, "tokens": tokens},
            num_tokens=text.num_tokens * parameters.n_steps,
            is_truncated=text.is_truncated,
        )

    def _encode(self, source: TextInput, parameters: ExplanationParameters, deadline_s: float) -> EncodedText:
        pair = TextPair(text=source.text, text_pair=source.text_pair)
        if len(pair.text) + len(pair.text_pair or "") > MAX_CHARACTERS:
            raise InputTooLong(f"an explanation reads at most {MAX_CHARACTERS} characters: shorten the input")
        passages = Passages(pairs=(pair,), layout=self._layout, keeps_places=True)
        (encoded,) = self._tokenizer.encode([passages], deadline_s)
        if isinstance(encoded, NotNow):
            raise NotNow(TOO_SLOW)
        if isinstance(encoded, RequestError):
            raise encoded
        (text,) = encoded
        if text.is_truncated and (not parameters.truncation or self._subject.cut is Cut.ONLY_SECOND):
            raise InputTooLong(
                f"the input has {text.num_tokens_uncut} tokens, and an explanation reads at most {text.num_tokens}: "
                "shorten it"
            )
        return text

    def _inputs(self, text: EncodedText) -> dict[str, Tensor]:
        """Return the keyword arguments for one row. Positions are given: some models derive them from the ids."""
        first = self._first_position
        rows = {"input_ids": torch.from_numpy(text.ids).long().unsqueeze(0)}
        if self._takes_positions:
            rows["position_ids"] = torch.arange(first, first + text.num_tokens).unsqueeze(0)
        if self._tokenizer.has_token_types:
            rows["token_type_ids"] = torch.from_numpy(text.type_ids).long().unsqueeze(0)
        return {name: row.to(self._network.device) for name, row in rows.items()}

    def _ask(self, inputs: dict[str, Tensor]) -> Any:
        """Return transformers' output for these rows, of several heads that of the one that is explained."""
        output = self._network(**inputs)
        if self._columns is not None:
            output.logits = output.logits[..., self._columns]
        return output

    def _baseline(self, text: EncodedText) -> Tensor:
        """Return a text that says nothing: padding in the place of every token that is not special [1, T]."""
        assert text.sources is not None
        ids = np.where(text.sources < 0, text.ids, self._tokenizer.pad_token_id)
        return torch.from_numpy(ids).long().unsqueeze(0)

    def _attribute(
        self, inputs: dict[str, Tensor], baseline: Tensor, score: Score, n_steps: int, deadline_s: float
    ) -> tuple[list[float], dict[str, float]]:
        """Return each token's attribution; the score, the baseline's, and what captum's sum misses of them."""
        from captum.attr import LayerIntegratedGradients  # noqa: PLC0415 - a second, for those who ask

        names = list(inputs)

        def run(*values: Tensor) -> Tensor:
            if time.monotonic() > deadline_s:
                raise NotNow(TOO_SLOW)
            return score(self._ask(dict(zip(names, values, strict=True))))

        ids, *others = inputs.values()
        attributions, delta = LayerIntegratedGradients(run, self._network.get_input_embeddings()).attribute(
            ids,
            baseline,
            additional_forward_args=tuple(others),
            n_steps=n_steps,
            internal_batch_size=max(1, STEP_TOKENS // ids.shape[1]),
            return_convergence_delta=True,
        )
        with torch.no_grad():
            figures = {"score": float(run(ids, *others)), "baseline_score": float(run(baseline, *others))}
        return attributions[0].sum(-1).tolist(), {**figures, "convergence_delta": float(delta)}

    def _name_tokens(self, text: EncodedText, attributions: list[float]) -> list[dict[str, object]]:
        """Name the tokens of the input, except special ones, whose attribution is 0."""
        assert text.sources is not None
        assert text.offsets is not None
        words = self._tokenizer.hf.convert_ids_to_tokens(text.ids.tolist())
        return [
            {"token": word, "input": self._keys[source], "start": int(start), "end": int(end), "attribution": share}
            for word, source, (start, end), share in zip(words, text.sources, text.offsets, attributions, strict=True)
            if source >= 0
        ]
