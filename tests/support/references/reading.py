"""Readings for heads, of transformers' own tokenizer and model: one forward pass for each window."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Encoding
from transformers import AutoModelForQuestionAnswering, AutoModelForTokenClassification, AutoTokenizer

from handler.inputs import TextInput
from handler.tasks.kind import Reading, Row
from handler.text.encoded import EncodedText

MAX_WINDOW = 384  # transformers 4.57's question-answering pipeline: max_seq_len, and doc_stride
STRIDE = 128


class Reader:
    """A checkpoint for token-classification or question-answering, and readings of it."""

    def __init__(self, folder: Path, kind: type[AutoModelForTokenClassification | AutoModelForQuestionAnswering]):
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = kind.from_pretrained(folder, attn_implementation="eager").eval()

    def read_text(self, text: str, stride: int = 0) -> Reading:
        """The whole text, in windows of all that the model takes."""
        encoded = self.tokenizer(text, truncation=True, stride=stride, return_overflowing_tokens=True)
        return self._read(TextInput(text=text, param="/inputs"), encoded.encodings)

    def read_question(
        self, question: str, context: str, max_seq_len: int | None = None, doc_stride: int | None = None
    ) -> Reading:
        """The question with each window of the context, as the pipeline of transformers 4.57 makes them."""
        window = min(self.tokenizer.model_max_length, MAX_WINDOW) if max_seq_len is None else max_seq_len
        encoded = self.tokenizer(
            question,
            context,
            truncation="only_second",
            max_length=window,
            stride=min(window // 2, STRIDE) if doc_stride is None else doc_stride,
            return_overflowing_tokens=True,
        )
        return self._read(TextInput(text=question, text_pair=context, param="/inputs"), encoded.encodings)

    def _read(self, source: TextInput, encodings: list[Encoding]) -> Reading:
        texts = [_encoded(encoding) for encoding in encodings]
        return Reading(source=source, texts=texts, rows=list(self._rows(texts)))

    @torch.inference_mode()
    def _rows(self, texts: list[EncodedText]) -> Iterator[Row]:
        # Not model_input_names: ALBERT was trained with types, which 4.57 sends and 5.23's tokenizer no longer names.
        has_types = getattr(self.model.config, "type_vocab_size", 0) > 1
        for text in texts:
            types = {"token_type_ids": torch.from_numpy(text.type_ids).long().unsqueeze(0)} if has_types else {}
            output = self.model(input_ids=torch.from_numpy(text.ids).long().unsqueeze(0), **types)
            logits = output.logits if "logits" in output else torch.stack([output.start_logits, output.end_logits], -1)
            yield logits[0].numpy()


def _encoded(encoding: Encoding) -> EncodedText:
    return EncodedText(
        ids=np.array(encoding.ids, np.int32),
        type_ids=np.array(encoding.type_ids, np.int8),
        num_tokens_uncut=len(encoding.ids),
        offsets=np.array(encoding.offsets, np.int32),
        sources=np.array([-1 if source is None else source for source in encoding.sequence_ids], np.int8),
        words=np.array([-1 if word is None else word for word in encoding.word_ids], np.int32),
    )
