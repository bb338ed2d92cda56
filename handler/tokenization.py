"""Texts to token ids, and what had to be cut. It knows tokenizers, not torch tensors and not the wire."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Encoding
from tokenizers import Tokenizer as Backend
from transformers import AutoTokenizer

from .payload import TextInput

# tokenizers keeps over 100 bytes for each token while it encodes: a batch of 64 long texts would take gigabytes.
PART_CHARACTERS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedText:
    """One text (or pair) as the model reads it; special tokens included, never padded."""

    ids: list[int]
    type_ids: list[int]
    """0 for the first text of a pair and 1 for the second, where the architecture has them."""
    num_tokens_uncut: int

    @property
    def num_tokens(self) -> int:
        """Tokens that the model sees."""
        return len(self.ids)

    @property
    def is_truncated(self) -> bool:
        """Whether the end of the text was cut."""
        return self.num_tokens_uncut > len(self.ids)


class Tokenizer:
    """A checkpoint's own fast tokenizer, without the padding and truncation its file may ask for."""

    def __init__(self, folder: Path, max_tokens: int) -> None:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.pad_token_id: int = tokenizer.pad_token_id or 0
        self.has_token_types = "token_type_ids" in tokenizer.model_input_names
        self._truncation_side: str = tokenizer.truncation_side
        self._max_tokens = max_tokens
        self._backend: Backend = tokenizer.backend_tokenizer
        self._backend.no_padding()

    def encode(self, texts: Sequence[TextInput], deadline_s: float = math.inf) -> list[EncodedText | None]:
        """Every text within max_tokens; of a pair the longer text is cut first, as in transformers.

        None for a text whose turn had not come by deadline_s, on the clock of time.monotonic.
        """
        encoded: list[EncodedText | None] = []
        for part in _parts(texts):
            encoded += self._encode_part(part) if time.monotonic() <= deadline_s else [None] * len(part)
        return encoded

    def _encode_part(self, texts: Sequence[TextInput]) -> list[EncodedText]:
        """Tokens first, of all texts at once; then each is cut and gets its special tokens."""
        self._backend.no_truncation()
        firsts = self._tokenize([text.text for text in texts])
        pairs = iter(self._tokenize([text.text_pair for text in texts if text.text_pair is not None]))
        self._backend.enable_truncation(self._max_tokens, strategy="longest_first", direction=self._truncation_side)
        return [
            self._finish(first, None if text.text_pair is None else next(pairs))
            for text, first in zip(texts, firsts, strict=True)
        ]

    def _tokenize(self, texts: list[str]) -> list[Encoding]:
        return self._backend.encode_batch(texts, add_special_tokens=False)

    def _finish(self, first: Encoding, pair: Encoding | None) -> EncodedText:
        num_special = self._backend.num_special_tokens_to_add(pair is not None)
        num_tokens_uncut = len(first) + len(pair or ()) + num_special
        whole = self._backend.post_process(first, pair)
        return EncodedText(ids=whole.ids, type_ids=whole.type_ids, num_tokens_uncut=num_tokens_uncut)


def _parts(texts: Sequence[TextInput]) -> Iterator[list[TextInput]]:
    """The texts in order, in parts of about PART_CHARACTERS: tokens that will be cut are held for one part only."""
    part: list[TextInput] = []
    num_characters = 0
    for text in texts:
        part.append(text)
        num_characters += len(text.text) + len(text.text_pair or "")
        if num_characters > PART_CHARACTERS:
            yield part
            part, num_characters = [], 0
    if part:
        yield part
