"""Where tokens stand is asked of tokenizers only where a head reads it, and the tokens are the same either way."""

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from handler.config import Task
from handler.text.encoded import EncodedText, read_window
from handler.text.passages import Layout, Passages, TextPair
from handler.text.tokenization import Tokenizer
from tests.conftest import MakeCheckpoint
from tests.support.checkpoints import ARCHITECTURES
from tests.support.texts import mixed_texts

WINDOW, STRIDE = 256, 16


def pairs_of(folder: Path) -> list[TextPair]:
    """Texts of all kinds, alone and in pairs, some with special tokens of the tokenizer's own in them."""
    hf = AutoTokenizer.from_pretrained(folder)
    texts = [
        *mixed_texts(40),
        f"{hf.cls_token} a {hf.sep_token}b{hf.mask_token} {hf.unk_token}",
        "  two  spaces ",
        "\n",
    ]
    return [
        *(TextPair(text=text) for text in texts),
        *(TextPair(text=one, text_pair=other) for one, other in zip(texts, reversed(texts), strict=True)),
    ]


def encode(folder: Path, pairs: list[TextPair], layout: Layout, *, keeps_places: bool) -> list[list[EncodedText]]:
    """What the model reads for each of the pairs, all of them in one batch."""
    inputs = [Passages(pairs=(pair,), layout=layout, keeps_places=keeps_places) for pair in pairs]
    encoded = Tokenizer(folder).encode(inputs)
    assert all(isinstance(texts, list) for texts in encoded), encoded
    return [texts for texts in encoded if isinstance(texts, list)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tokens_are_the_same_without_their_places(checkpoint: MakeCheckpoint, architecture: str) -> None:
    folder, layout = checkpoint(architecture, Task.EMBEDDINGS), Layout(max_tokens=WINDOW)
    pairs = pairs_of(folder)
    bare = encode(folder, pairs, layout, keeps_places=False)
    placed = encode(folder, pairs, layout, keeps_places=True)
    for (one,), (other,) in zip(bare, placed, strict=True):
        assert one.ids.tolist() == other.ids.tolist()
        assert one.type_ids.tolist() == other.type_ids.tolist()
        assert one.num_tokens_uncut == other.num_tokens_uncut
        assert one.offsets is one.sources is one.words is None
        assert other.offsets is not None
        assert len(other.offsets) == other.num_tokens
    assert any(text.is_truncated for (text,) in bare)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_text_that_fits_is_the_one_window_that_tokenizers_makes(
    checkpoint: MakeCheckpoint, architecture: str
) -> None:
    """It is not tokenised again for that; what tokenizers would have made of it is the same."""
    folder = checkpoint(architecture, Task.EMBEDDINGS)
    backend = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    pairs = [pair for pair in pairs_of(folder) if len(backend.encode(pair.text, pair.text_pair)) <= WINDOW]
    assert len(pairs) > 40
    found = encode(folder, pairs, Layout(max_tokens=WINDOW, stride=STRIDE), keeps_places=True)
    for pair, (text,) in zip(pairs, found, strict=True):
        window = read_window(backend.encode(pair.text, pair.text_pair))
        for name in ("ids", "type_ids", "offsets", "sources", "words"):
            np.testing.assert_array_equal(getattr(text, name), getattr(window, name), err_msg=f"{name} of {pair}")
        assert not text.is_truncated
