"""What can be said of a model and its tokenizer once both are loaded, before anything is asked: whether they fit.

The known answers cannot show it, because transformers and the handler ask the same tokenizer. The library's own classes
say it here, whatever the files are called.
"""

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...errors import Refused
from ..checkpoint import Checkpoint
from .families import EMBEDDING_DECODERS
from .tokenizer_files import RESIZE

# A model of one language knows its own line, and nearly every model knows digits and punctuation; those of biology know
# no words. A tokenizer that knows none of these makes all known texts look alike, so that they would prove nothing.
PLAIN_LINES = {
    "Latin": "the ship lies in the harbour until the tide turns",
    "Cyrillic": "корабль стоит в гавани до прилива",
    "Greek": "το πλοίο μένει στο λιμάνι",
    "Chinese": "船停在港口里等候潮水",
    "Japanese": "船はみなとにいます",
    "Korean": "배가 항구에 있다",
    "Arabic": "السفينة في الميناء",
    "Hebrew": "הספינה עומדת בנמל",
    "digits and punctuation": "12,345.67 (89 %) - 2026!",
    "amino acids": "M K T A Y I A K Q R",
    "DNA": "ACGTAC TTGACA GGCATG",
}
NEARLY_ALL_RATIO = 0.9
WORD_BOUNDARIES = "▁Ġ"  # a token of nothing else says nothing about a text
NEEDS_UNKNOWN = ("Unigram", "WordLevel", "WordPiece")  # the others fall back to bytes or characters
SAVE_AGAIN = "save the tokenizer that the model was trained with into the folder"


def check_loaded(checkpoint: Checkpoint, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer that was made up, or that the model cannot read; and positions that are too few."""
    _check_made_up(checkpoint, tokenizer)
    _check_size(checkpoint, model, tokenizer)
    _check_special_tokens(checkpoint, model, tokenizer)
    _check_plain_lines(checkpoint, tokenizer)
    _check_positions(checkpoint, model)


def _check_made_up(checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse what transformers makes without files: a tokenizer of the model's own class, of special tokens alone."""
    vocabulary = tokenizer.get_vocab()
    if len(vocabulary) <= len(set(tokenizer.added_tokens_decoder)):
        raise Refused(
            f"{checkpoint.root}: its tokenizer has {len(vocabulary)} tokens, all of them special: transformers made it "
            f"up, for its files hold no vocabulary; {SAVE_AGAIN}"
        )


def _check_size(checkpoint: Checkpoint, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse ids that have no row in the embedding matrix, wherever the tokens were added."""
    rows = getattr(_embeddings(model), "num_embeddings", None)
    largest = max(tokenizer.get_vocab().values())
    if isinstance(rows, int) and largest >= rows:
        raise Refused(
            f"{checkpoint.root}: its tokenizer has {largest + 1} tokens and the embedding matrix has {rows} rows: a "
            f"text with one of the others would fail its batch; {RESIZE}"
        )


def _embeddings(model: PreTrainedModel) -> object:
    """The embedding matrix's module; None for a model of characters or bytes."""
    try:
        return model.get_input_embeddings()
    except NotImplementedError:
        return None


def _check_special_tokens(checkpoint: Checkpoint, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer without the special tokens of an encoder; fill-mask asks for its own.

    A decoder that embeds may have none that begins a text: Qwen3-Embedding's reads only the end token's vector.
    """
    begins, ends = (tokenizer.cls_token, tokenizer.bos_token), (tokenizer.sep_token, tokenizer.eos_token)
    kind = type(tokenizer.backend_tokenizer.model).__name__ if tokenizer.is_fast else ""
    wanted = {
        "cls_token": any(begins) or model.config.model_type in EMBEDDING_DECODERS,
        "sep_token": any(ends),
        "pad_token": tokenizer.pad_token is not None,
        "unk_token": kind not in NEEDS_UNKNOWN or tokenizer.unk_token is not None,
    }
    if missing := [name for name, is_there in wanted.items() if not is_there]:
        raise Refused(
            f"{checkpoint.root}: its tokenizer has no {' and no '.join(missing)}: name it in tokenizer_config.json as "
            f"in training, or {SAVE_AGAIN}"
        )


def _check_plain_lines(checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer to which nearly all is unknown, of every line: one line that it knows is enough."""
    if all(_unknown_ratio(tokenizer, line) >= NEARLY_ALL_RATIO for line in PLAIN_LINES.values()):
        raise Refused(
            f"{checkpoint.root}: its tokenizer knows next to nothing of plain lines ({', '.join(PLAIN_LINES)}): all "
            f"texts would look alike; {SAVE_AGAIN}"
        )


def _unknown_ratio(tokenizer: PreTrainedTokenizerBase, line: str) -> float:
    """The part of a line's tokens that are unknown; 1 when none is left of it."""
    tokens = tokenizer.tokenize(line)
    telling = [token for token in tokens if token.strip(WORD_BOUNDARIES)]
    return sum(token == tokenizer.unk_token for token in telling) / len(telling) if telling else 1.0


def _check_positions(checkpoint: Checkpoint, model: PreTrainedModel) -> None:
    """Refuse a longest text that has more tokens than the model has positions behind its padding."""
    for name, module in model.named_modules():
        positions, padding = getattr(module, "num_embeddings", None), getattr(module, "padding_idx", None)
        if name.rpartition(".")[2] != "position_embeddings" or not isinstance(positions, int):
            continue
        usable = positions if padding is None else positions - padding - 1
        if checkpoint.max_tokens > usable:
            raise Refused(
                f"{checkpoint.root}: its longest text has {checkpoint.max_tokens} tokens and the model has {usable} "
                f"positions: set model_max_length to {usable} in tokenizer_config.json"
            )
