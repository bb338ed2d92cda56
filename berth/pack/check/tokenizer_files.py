"""What a checkpoint's files say of its tokenizer before anything is loaded: whether it is there and fits the weights.

The known answers cannot show a wrong tokenizer, because transformers and the handler ask it the same way. Neither torch
nor transformers is imported.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from ...checkpoint_files import CONFIG, HUB_ID, TOKENIZER, TOKENIZER_CONFIG, check_whole, is_inside, load_json
from ...errors import Refused
from ..checkpoint import Checkpoint

MODEL_CARD = "README.md"
WORD_PIECES, BYTE_PAIRS = ("vocab.txt",), ("vocab.json", "merges.txt")
# What a tokenizer is made from without a tokenizer.json, by its class, and the classes of some types of models
# (transformers 5.17, VOCAB_FILES_NAMES and TOKENIZER_MAPPING_NAMES). For others, any of these files will do.
VOCABULARIES = {
    "BertTokenizer": WORD_PIECES,
    "DistilBertTokenizer": WORD_PIECES,
    "ElectraTokenizer": WORD_PIECES,
    "MPNetTokenizer": WORD_PIECES,
    "RobertaTokenizer": BYTE_PAIRS,
    "DebertaTokenizer": BYTE_PAIRS,
    "CamembertTokenizer": ("sentencepiece.bpe.model",),
    "XLMRobertaTokenizer": ("sentencepiece.bpe.model",),
    "AlbertTokenizer": ("spiece.model",),
    "BigBirdTokenizer": ("spiece.model",),
    "DebertaV2Tokenizer": ("spm.model",),
    "RemBertTokenizer": ("sentencepiece.model",),
}
TOKENIZERS = {
    "albert": "AlbertTokenizer",
    "bert": "BertTokenizer",
    "big_bird": "BigBirdTokenizer",
    "camembert": "CamembertTokenizer",
    "convbert": "BertTokenizer",
    "data2vec-text": "RobertaTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "BertTokenizer",
    "electra": "BertTokenizer",
    "ernie": "BertTokenizer",
    "ibert": "RobertaTokenizer",
    "longformer": "RobertaTokenizer",
    "megatron-bert": "BertTokenizer",
    "mobilebert": "BertTokenizer",
    "mpnet": "MPNetTokenizer",
    "nomic_bert": "BertTokenizer",
    "rembert": "RemBertTokenizer",
    "roberta": "RobertaTokenizer",
    "roberta-prelayernorm": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "xlm-roberta-xl": "XLMRobertaTokenizer",
    "xmod": "XLMRobertaTokenizer",
}
WITHOUT_FILES = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")  # they read bytes or characters
EMBEDDINGS = ("embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight", "embed_tokens.weight")
RESIZE = "where they were added, call model.resize_token_embeddings(len(tokenizer)), train, and save both again"
Shapes = Mapping[str, tuple[int, ...]]


def check_tokenizer(checkpoint: Checkpoint, config: Mapping[str, object], shapes: Shapes) -> None:
    """Refuse a tokenizer that is missing, damaged or too large for the weights, whose `shapes` are by tensor."""
    if TOKENIZER in checkpoint.files:
        _check_size(checkpoint.root / TOKENIZER, config, shapes)
    else:
        _check_vocabulary(checkpoint, config)


def _check_size(path: Path, config: Mapping[str, object], shapes: Shapes) -> None:
    """Refuse a tokenizer.json with ids that have no row in the embedding matrix."""
    num_tokens = _num_tokens(path)
    rows = [shape[0] for name, shape in shapes.items() if name.endswith(EMBEDDINGS)]
    vocab_size = config.get("vocab_size")
    known = f"the embedding matrix has {min(rows)} rows" if rows else f"{CONFIG} says that vocab_size is {vocab_size}"
    limit = min(rows) if rows else vocab_size
    if isinstance(limit, int) and num_tokens > limit:
        raise Refused(
            f"{path} has {num_tokens} tokens and {known}: a text with one of the others would fail its batch; {RESIZE}"
        )


def _num_tokens(path: Path) -> int:
    """The largest id + 1 of the vocabulary and the added tokens; Refused when the file has no vocabulary."""
    content = load_json(path)
    model, added = content.get("model"), content.get("added_tokens") or []
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocabulary, dict | list) or not isinstance(added, list):
        raise Refused(
            f"{path} has no vocabulary, so it is not a tokenizer of the tokenizers library: save the tokenizer again "
            "with tokenizer.save_pretrained"
        )
    ids = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))  # a Unigram's is a list
    found = [*ids, *(token.get("id") for token in added if isinstance(token, dict))]
    return max((number for number in found if isinstance(number, int)), default=-1) + 1


def _check_vocabulary(checkpoint: Checkpoint, config: Mapping[str, object]) -> None:
    """Refuse a checkpoint without the files that a tokenizer is made from: transformers would make one up."""
    name = _tokenizer_class(checkpoint.root, config)
    needed = VOCABULARIES.get(name)
    if needed is None:
        every = [file for files in VOCABULARIES.values() for file in files]
        if name in WITHOUT_FILES or any(file in checkpoint.files for file in every):
            return
        needed = ()
    missing = [file for file in needed if file not in checkpoint.files]
    if missing or not needed:
        raise Refused(
            f"{checkpoint.root} has no tokenizer: {_wanted(needed, missing)}, and without it transformers makes up one "
            f"that knows no word; {_cure(checkpoint.root, config)}"
        )
    for file in needed:
        _check_readable(checkpoint.root / file, config)


def _wanted(needed: tuple[str, ...], missing: list[str]) -> str:
    """Say which files are missing."""
    present = [file for file in needed if file not in missing]
    others = f", or {' and '.join(missing)}" if missing else ""
    beside = f" beside {' and '.join(present)}" if present else ""
    return f"it needs {TOKENIZER}{others}{beside}"


def _check_readable(path: Path, config: Mapping[str, object]) -> None:
    """Refuse a vocabulary that is damaged, or that needs a package which is not installed."""
    check_whole(path)
    if path.suffix == ".model" and importlib.util.find_spec("sentencepiece") is None:
        raise Refused(
            f"{path} can be read only with the package sentencepiece, which is not installed here and would be missing "
            f"on the server too; {_cure(path.parent, config)}"
        )


def _tokenizer_class(root: Path, config: Mapping[str, object]) -> str:
    """The tokenizer's class as the files name it, else the one of the model's type; without Fast, which is the same."""
    named = load_json(root / TOKENIZER_CONFIG).get("tokenizer_class") or config.get("tokenizer_class")
    own = TOKENIZERS.get(str(config.get("model_type")), "")
    name = str(named or own).removesuffix("Fast")
    return own if name == "PreTrainedTokenizer" else name


def _cure(root: Path, config: Mapping[str, object]) -> str:
    """Say where the tokenizer can be got; with lines of python when a base model is named."""
    if base := _base_model(root, config):
        return (
            f"if the model was trained from {base} and no tokens were added, its tokenizer is saved with these lines:\n"
            "    import transformers\n"
            f"    transformers.AutoTokenizer.from_pretrained({base!r}).save_pretrained({str(root)!r})"
        )
    return f"save the tokenizer that it was trained with: tokenizer.save_pretrained({str(root)!r})"


def _base_model(root: Path, config: Mapping[str, object]) -> str | None:
    """The Hub's name of the model that this one was trained from, as the model card or config.json has it."""
    for name in (_card(root).get("base_model"), config.get("_name_or_path")):
        first = name[0] if isinstance(name, list) and name else name
        if isinstance(first, str) and HUB_ID.fullmatch(first) and not first.startswith("."):
            return first
    return None


def _card(root: Path) -> dict[str, object]:
    """The front matter of the model card; empty when it has none that can be read."""
    import yaml  # noqa: PLC0415 - `berth --help` answers at once

    path = root / MODEL_CARD
    if not path.is_file() or not is_inside(root, path):
        return {}
    before, _, rest = path.read_text("utf-8", "replace").partition("---\n")
    try:
        values = yaml.safe_load(rest.partition("\n---")[0]) if not before.strip() else None
    except yaml.YAMLError:
        return {}
    return values if isinstance(values, dict) else {}
