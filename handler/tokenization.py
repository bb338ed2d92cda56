"""Texts to token ids, and what had to be cut. It knows tokenizers, not torch tensors and not the wire."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Encoding
from tokenizers import Tokenizer as Backend
from transformers import AutoTokenizer

from .payload import TextInput


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
        self._backend: Backend = tokenizer.backend_tokenizer
        self._backend.no_padding()
        self._max_tokens = max_tokens

    def encode(self, texts: Sequence[TextInput]) -> list[EncodedText]:
        """Every text within max_tokens; of a pair the longer text is cut first, as in transformers."""
        self._backend.no_truncation()
        encodings = self._backend.encode_batch([_backend_input(text) for text in texts])
        return [
            self._cut(text, len(encoding)) if len(encoding) > self._max_tokens else _encoded(encoding, len(encoding))
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def _cut(self, text: TextInput, num_tokens_uncut: int) -> EncodedText:
        self._backend.enable_truncation(self._max_tokens, strategy="longest_first")
        (encoding,) = self._backend.encode_batch([_backend_input(text)])
        return _encoded(encoding, num_tokens_uncut)


def _backend_input(text: TextInput) -> str | tuple[str, str]:
    return text.text if text.text_pair is None else (text.text, text.text_pair)


def _encoded(encoding: Encoding, num_tokens_uncut: int) -> EncodedText:
    return EncodedText(ids=encoding.ids, type_ids=encoding.type_ids, num_tokens_uncut=num_tokens_uncut)
