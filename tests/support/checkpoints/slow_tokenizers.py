"""Folders as they were before tokenizer.json: a vocabulary in the file of its family, and a small seeded model.

The sentencepiece models are trained by the library itself, with the symbols and ids of each family's published one.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig

from berth.sources.sample import sample_folder
from tests.support.checkpoints import tokens

NUM_PIECES, MAX_TOKENS = 900, 128
# fairseq (XLM-R, CamemBERT) has sentencepiece's own ids. ALBERT: albert/README.md, "SentencePiece", its options.
# DeBERTa-v3, RemBERT, BigBird: the first ids of their published models.
OPTIONS: dict[str, dict[str, Any]] = {
    "xlm-roberta": {},
    "camembert": {},
    "albert": {
        "pad_id": 0,
        "unk_id": 1,
        "bos_id": -1,
        "eos_id": -1,
        "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
        "user_defined_symbols": ["(", ")", '"', "-", ".", "–", "£", "€"],  # noqa: RUF001
    },
    "deberta-v2": {
        **{"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3},
        **{"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"},
    },
    "rembert": {"pad_id": 0, "eos_id": 1, "bos_id": -1, "unk_id": 2, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
    "big_bird": {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
}
FILES = {
    "xlm-roberta": "sentencepiece.bpe.model",
    "camembert": "sentencepiece.bpe.model",
    "albert": "spiece.model",
    "deberta-v2": "spm.model",
    "rembert": "sentencepiece.model",
    "big_bird": "spiece.model",
}
BEFORE_PIECES = {"xlm-roberta": 2, "camembert": 5, "deberta-v2": 1}
"""How many ids a family adds to its pieces, before and behind them."""
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 130,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "big_bird": {"attention_type": "original_full"},
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 16},
    "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 130},
}
LINES = (
    "the quick brown fox jumps over the lazy dog and the ship lies in the harbour until the tide turns",
    "ça va très bien, l'été est arrivé à Besançon où naît l'œuvre; señor Ærø łódź žluťoučký kůň Việt Nam",
    "корабль стоит в гавани до прилива; το πλοίο μένει στο λιμάνι ΆΘΛΟΣ",
    "船停在港口里等候潮水 船はみなとにいます 東京タワー カタカナ 배가 항구에 있다 한국어",
    "السفينة في الميناء הספינה עומדת בנמל जहाज बंदरगाह में है เรืออยู่ที่ท่า",
    "0 1 2 3 4 5 6 7 8 9 1,000 12,345.67 (89 %) - 2026! ? . : ; \" ' / @ # $ & * + = £ €",
)


def train_pieces(architecture: str, path: Path, **options: Any) -> None:
    """A sentencepiece model of `architecture`'s symbols and ids, the same every time; `options` are the library's."""
    import sentencepiece  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as work:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(),
            model_prefix=f"{work}/model",
            vocab_size=NUM_PIECES,
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
            **OPTIONS[architecture] | options,
        )
        shutil.copyfile(f"{work}/model.model", path)


def _sentences() -> Iterator[str]:
    """Lines of the scripts above, and of the frequent words of the sample's vocabulary, in an order of their own."""
    words = [word for word in (sample_folder() / "vocab.txt").read_text("utf-8").split()[2000:4000] if "#" not in word]
    for number in range(0, len(words) - 8, 4):
        yield " ".join(words[number : number + 8])
        yield LINES[number % len(LINES)]


def write_vocabulary(folder: Path, architecture: str, **settings: object) -> int:
    """The files of `architecture`'s vocabulary and a tokenizer_config.json; returns the number of ids."""
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": MAX_TOKENS, **settings}))
    if architecture in FILES:
        import sentencepiece  # noqa: PLC0415

        path = folder / FILES[architecture]
        train_pieces(architecture, path)
        return len(sentencepiece.SentencePieceProcessor(str(path))) + BEFORE_PIECES.get(architecture, 0)
    if architecture in {"roberta", "deberta"}:
        names = ("<s>", "<pad>", "</s>", "<unk>", "<mask>") if architecture == "roberta" else ()
        bpe = tokens.byte_level_bpe(list(names or ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")))
        bpe.save_model(str(folder))
        return int(bpe.get_vocab_size())
    words = (sample_folder() / "vocab.txt").read_text("utf-8").splitlines()
    words = ["<s>", "<pad>", "</s>", "<unk>", *words, "<mask>"] if architecture == "mpnet" else words
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    return len(words)


def make_slow_checkpoint(folder: Path, architecture: str, **settings: object) -> Path:
    """A classifier of three labels in `folder`, with the tokenizer as it was before tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab_size = write_vocabulary(folder, architecture, **settings)
    sizes = SETTINGS.get(architecture, {}) if architecture == "distilbert" else SIZES | SETTINGS.get(architecture, {})
    config = AutoConfig.for_model(architecture, vocab_size=vocab_size, num_labels=3, **sizes)
    torch.manual_seed(22)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(0.3 / parameter.std())
    model.save_pretrained(folder)
    return folder
