"""Which tokenizer a folder has, by its files alone: its class, what it is made from, and which cannot be served.

Only names and JSON are read. All facts are of transformers 5.17 to 5.23: VOCAB_FILES_NAMES, TOKENIZER_MAPPING_NAMES.
"""

from collections.abc import Mapping
from pathlib import Path

from ...checkpoint_files import TOKENIZER, TOKENIZER_CONFIG, load_json
from ...errors import Refused

WORD_PIECES, BYTE_PAIRS = ("vocab.txt",), ("vocab.json", "merges.txt")
FAIRSEQ, ALBERT, SPM, REMBERT = (
    ("sentencepiece.bpe.model",),
    ("spiece.model",),
    ("spm.model",),
    ("sentencepiece.model",),
)
VOCABULARIES: Mapping[str, tuple[str, ...]] = {
    "BertTokenizer": WORD_PIECES,
    "ConvBertTokenizer": WORD_PIECES,
    "DistilBertTokenizer": WORD_PIECES,
    "ElectraTokenizer": WORD_PIECES,
    "MobileBertTokenizer": WORD_PIECES,
    "SqueezeBertTokenizer": WORD_PIECES,
    "MPNetTokenizer": WORD_PIECES,
    "RobertaTokenizer": BYTE_PAIRS,
    "LongformerTokenizer": BYTE_PAIRS,
    "DebertaTokenizer": BYTE_PAIRS,
    "CamembertTokenizer": FAIRSEQ,
    "XLMRobertaTokenizer": FAIRSEQ,
    "AlbertTokenizer": ALBERT,
    "BigBirdTokenizer": ALBERT,
    "DebertaV2Tokenizer": SPM,
    "RemBertTokenizer": REMBERT,
}
"""What a tokenizer is made from without a tokenizer.json, by its class."""
GENERIC = ("PreTrainedTokenizer", "TokenizersBackend")  # they say nothing of the algorithm
EVERY_VOCABULARY = tuple(dict.fromkeys(file for files in VOCABULARIES.values() for file in files))
TOKENIZERS: Mapping[str, str] = {
    "albert": "AlbertTokenizer",
    "bert": "BertTokenizer",
    "big_bird": "BigBirdTokenizer",
    "camembert": "CamembertTokenizer",
    "canine": "CanineTokenizer",
    "convbert": "BertTokenizer",
    "data2vec-text": "RobertaTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "BertTokenizer",
    "ernie": "BertTokenizer",
    "esm": "EsmTokenizer",
    "flaubert": "FlaubertTokenizer",
    "ibert": "RobertaTokenizer",
    "longformer": "RobertaTokenizer",
    "luke": "LukeTokenizer",
    "megatron-bert": "BertTokenizer",
    "mobilebert": "MobileBertTokenizer",
    "mpnet": "MPNetTokenizer",
    "nomic_bert": "BertTokenizer",
    "perceiver": "PerceiverTokenizer",
    "rembert": "RemBertTokenizer",
    "roberta": "RobertaTokenizer",
    "roberta-prelayernorm": "RobertaTokenizer",
    "roc_bert": "RoCBertTokenizer",
    "squeezebert": "BertTokenizer",
    "tapas": "TapasTokenizer",
    "xlm": "XLMTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "xlm-roberta-xl": "XLMRobertaTokenizer",
    "xmod": "XLMRobertaTokenizer",
    "yoso": "AlbertTokenizer",
}
"""The class of a type of models, where the folder names none."""
_BYTES = "reads single {} by rules of its own"
_MOSES = "cuts words in Python with the package sacremoses"
_ENTITIES = "marks the places of entities, which a request cannot send"
PYTHON_ONLY: Mapping[str, str] = {
    "BertJapaneseTokenizer": "cuts Japanese words with MeCab, Sudachi or Juman++, which the worker does not have",
    "BertweetTokenizer": "rewrites tweets in Python before it cuts them by bpe.codes",
    "BertGenerationTokenizer": "exists for sentencepiece alone",
    "BioGptTokenizer": _MOSES,
    "ByT5Tokenizer": _BYTES.format("bytes"),
    "CanineTokenizer": _BYTES.format("characters"),
    "EsmTokenizer": "reads amino acids by rules of its own",
    "FlaubertTokenizer": _MOSES,
    "LukeTokenizer": _ENTITIES,
    "MLukeTokenizer": _ENTITIES,
    "MyT5Tokenizer": _BYTES.format("bytes"),
    "PerceiverTokenizer": _BYTES.format("bytes"),
    "PhobertTokenizer": "joins Vietnamese words by bpe.codes, after another program has cut the text into words",
    "ProphetNetTokenizer": "exists in Python alone",
    "RoCBertTokenizer": "gives every token its shape and its pronunciation besides its id",
    "TapasTokenizer": "reads tables",
    "XLMTokenizer": _MOSES,
}
"""Classes that transformers has in Python alone, or that need more than a text, and what is peculiar to each."""


def with_article(name: str) -> str:
    """A class in a sentence: `an EsmTokenizer`."""
    return f"{'an' if name.startswith(('A', 'E', 'I', 'XL')) else 'a'} {name}"


def tokenizer_class(root: Path, config: Mapping[str, object]) -> str:
    """The tokenizer's class as the files name it, else the one of the model's type; without Fast, which is the same."""
    named = load_json(root / TOKENIZER_CONFIG).get("tokenizer_class") or config.get("tokenizer_class")
    own = TOKENIZERS.get(str(config.get("model_type")), "")
    name = str(named or own).removesuffix("Fast")
    return own if name in GENERIC else name


def check_servable(root: Path, config: Mapping[str, object]) -> None:
    """Refuse a tokenizer that only Python code of its own could run in the worker."""
    name = tokenizer_class(root, config)
    named = load_json(root / TOKENIZER_CONFIG).get("tokenizer_class")
    if (root / TOKENIZER).is_file() and str(named).removesuffix("Fast") in GENERIC:
        return  # saved for the tokenizers library, whatever the model's own class is
    if peculiar := PYTHON_ONLY.get(name):
        raise Refused(
            f"{root}: its tokenizer is {with_article(name)}, which {peculiar}: berth serves what the tokenizers "
            "library can run from a tokenizer.json; choose a model with such a tokenizer"
        )
