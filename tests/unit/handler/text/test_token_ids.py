"""Token ids that a client sends in a text's place: this tokenizer's own as they are, anybody else's refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from handler.config import Task
from handler.errors import InputTooLong, InvalidInput
from handler.text.passages import Layout, Passages, TextPair
from handler.text.tokenization import Tokenizer
from tests.conftest import MakeCheckpoint

ARCHITECTURES = ("bert", "roberta", "albert", "deberta-v2")  # WordPiece, BPE, Unigram with token types and without
WINDOW = 64


def encode_ids(tokenizer: Tokenizer, *ids: int) -> Any:
    passages = Passages(pairs=(TextPair(text="", token_ids=ids),), layout=Layout(max_tokens=WINDOW))
    (encoded,) = tokenizer.encode([passages])
    return encoded


def test_token_ids_are_taken_as_they_are(checkpoint: MakeCheckpoint) -> None:
    tokenizer = Tokenizer(checkpoint("bert", Task.FILL_MASK))
    first, last, num_known = tokenizer.hf.cls_token_id, tokenizer.hf.sep_token_id, tokenizer.hf.vocab_size
    (taken,) = encode_ids(tokenizer, first, num_known - 1, last)
    assert (taken.ids.tolist(), taken.type_ids.tolist()) == ([first, num_known - 1, last], [0, 0, 0])
    assert not taken.is_truncated
    assert isinstance(encode_ids(tokenizer, first, num_known + 100, last), InvalidInput)
    assert isinstance(encode_ids(tokenizer, first, *[5] * WINDOW, last), InputTooLong)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_token_ids_without_the_tokenizers_own_ends_are_refused(checkpoint: MakeCheckpoint, architecture: str) -> None:
    """They are tiktoken's, or were made without special tokens, or padded: vectors of them would be wrong unseen."""
    folder = checkpoint(architecture, Task.FILL_MASK)
    tokenizer, hf = Tokenizer(folder), AutoTokenizer.from_pretrained(folder)
    for text in ("", "one two three", "one " * 200):
        ids = hf(text, truncation=True, max_length=WINDOW)["input_ids"]
        (taken,) = encode_ids(tokenizer, *ids)
        assert taken.ids.tolist() == ids
        for wrong in (ids[1:], ids[:-1], ids[1:-1], [*ids, hf.pad_token_id], ids[:1], ids[::-1]):
            if wrong:
                refused = encode_ids(tokenizer, *wrong)
                assert isinstance(refused, InvalidInput), wrong
                first, last = (f"{each} ({hf.convert_ids_to_tokens(each)})" for each in (ids[0], ids[-1]))
                assert f"they begin with {wrong[0]} and end with {wrong[-1]}" in refused.message
                assert f"its own begin with {first} and end with {last}: send the text" in refused.message


@pytest.mark.parametrize(
    ("single", "begins", "ends"),
    [
        ("$A", (), ()),
        ("$A [SEP]", (), ("[SEP]",)),
        ("[CLS] $A", ("[CLS]",), ()),
        ("[CLS] [MASK] $A", ("[CLS]", "[MASK]"), ()),
    ],
)
def test_what_stands_around_a_text_is_the_post_processors(
    checkpoint: MakeCheckpoint, tmp_path: Path, single: str, begins: tuple[str, ...], ends: tuple[str, ...]
) -> None:
    """A tokenizer that adds nothing leaves nothing to check; another adds only an end, or two tokens at once."""
    folder = shutil.copytree(checkpoint("modernbert", Task.FILL_MASK), tmp_path / "changed")  # a class without its own
    hf: Any = AutoTokenizer.from_pretrained(folder)
    ids: dict[str, int] = {name: hf.convert_tokens_to_ids(name) for name in ("[CLS]", "[SEP]", "[MASK]")}
    hf.backend_tokenizer.post_processor = TemplateProcessing(
        single=single, pair="$A $B", special_tokens=list(ids.items())
    )
    hf.backend_tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer(folder)
    own = [*(ids[name] for name in begins), 7, *(ids[name] for name in ends)]
    assert AutoTokenizer.from_pretrained(folder)(hf.convert_ids_to_tokens(7))["input_ids"] == own
    assert isinstance(encode_ids(tokenizer, *own), list)
    bare = encode_ids(tokenizer, 7)
    if not begins + ends:
        assert isinstance(bare, list)
        return
    named = ", ".join(f"{ids[name]} ({name})" for name in begins + ends)
    assert f"its own {'begin' if begins else 'end'} with {named}: send" in bare.message
