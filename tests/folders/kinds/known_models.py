"""Models that many people use, by their own files of settings: as they were published, but for the sizes.

Each line names where the files were read (repository and folder on GitHub, copies of what the Hub has);
docs/packing.md has the list, and what could not be found.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from handler.config import Task
from tests.support.checkpoints import make_checkpoint

from ..kind import Kind, Numbers
from .sentence import RANKING, change, ranks, vectors

WIDTH = 64  # of the small checkpoints; the files say 384 to 1024
OWN = "sentence_transformers.models"
KINDS_OF_MODULES = ("Transformer", "Pooling", "Dense", "Normalize")
FLAGS = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
TANH, IDENTITY = "torch.nn.modules.activation.Tanh", "torch.nn.modules.linear.Identity"
CASED: dict[str, object] = {"do_lower_case": False}
UNCASED: dict[str, object] = {"do_lower_case": True}
BERT: dict[str, Any] = {
    "position_embedding_type": "absolute",
    "gradient_checkpointing": False,
    "classifier_dropout": None,
}
XLM_ROBERTA: dict[str, Any] = {"position_embedding_type": "absolute", "output_past": True, "classifier_dropout": None}
LABSE: dict[str, Any] = {
    **{"directionality": "bidi", "pooler_fc_size": 768, "pooler_num_attention_heads": 12, "pooler_num_fc_layers": 3},
    **{"pooler_size_per_head": 128, "pooler_type": "first_token_transform"},
}


def _pooling(mode: str, flags: int = 4) -> dict[str, object]:
    """The flags of a version, one of them set."""
    return {"word_embedding_dimension": WIDTH, **{f"pooling_mode_{flag}": flag == mode for flag in FLAGS[:flags]}}


def _version(version: str, **settings: object) -> dict[str, object]:
    return {"__version__": {"sentence_transformers": version, "transformers": "4.33.0", "pytorch": "2.1.2"}, **settings}


def _embedder(
    architecture: str,
    config: Mapping[str, object],
    files: Mapping[str, Mapping[str, object]],
    kinds: Sequence[str],
    folder: Path,
) -> str:
    """An encoder with the files of a model, and its modules as versions 2 to 5 wrote them."""
    make_checkpoint(folder, architecture, Task.EMBEDDINGS, **config)
    paths = ["" if kind == "Transformer" else f"{index}_{kind}" for index, kind in enumerate(kinds)]
    steps = [
        {"idx": index, "name": str(index), "path": path, "type": f"{OWN}.{kind}"}
        for index, (path, kind) in enumerate(zip(paths, kinds, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(steps), "utf-8")
    for path, kind in zip(paths, kinds, strict=True):
        if kind == "Dense":
            _save_dense(folder / path, files[f"{path}/config.json"])
    for name, values in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        change(folder / name, **values)
    return str(folder)


def _save_dense(folder: Path, config: Mapping[str, Any]) -> None:
    """Weights of the form that its settings say."""
    import torch  # noqa: PLC0415
    from sentence_transformers.sentence_transformer.modules import Dense  # noqa: PLC0415

    torch.manual_seed(22)
    folder.mkdir()
    Dense(config["in_features"], config["out_features"], bias=config["bias"]).save(str(folder))


def _dense(out: int, *, bias: bool, activation: str) -> dict[str, object]:
    return {"in_features": WIDTH, "out_features": out, "bias": bias, "activation_function": activation}


def _head(architecture: str, labels: Sequence[str], config: Mapping[str, object], folder: Path) -> str:
    """A classifier with a model's labels and the rest of its config.json."""
    names = dict(enumerate(labels))
    ids = {label: index for index, label in names.items()}
    make_checkpoint(folder, architecture, Task.TEXT_CLASSIFICATION, id2label=names, label2id=ids, **config)
    return str(folder)


def _scores(folder: Path, texts: Sequence[str]) -> Numbers:
    """transformers' own pipeline, the labels in the order of config.json."""
    from transformers import pipeline  # noqa: PLC0415

    classify: Any = pipeline("text-classification", str(folder), top_k=None, device="cpu")
    labels = list(classify.model.config.id2label.values())
    found = [{each["label"]: each["score"] for each in scores} for scores in classify(list(texts), truncation=True)]
    return [[scores[label] for label in labels] for scores in found]


def _embeds(
    name: str, architecture: str, files: Mapping[str, Mapping[str, object]], *kinds: str, **config: Any
) -> Kind:
    make = partial(_embedder, architecture, config, files, ("Transformer", "Pooling", *kinds))
    return Kind(name=name, make=make, expected=vectors)


EMBEDDERS = (
    # SongJae/RS-Agent, models/all-MiniLM-L6-v2
    _embeds(
        "all-MiniLM-L6-v2, as of 2.0",
        "bert",
        {
            "1_Pooling/config.json": _pooling("mean_tokens"),
            "sentence_bert_config.json": {"max_seq_length": 256, **CASED},
            "tokenizer_config.json": {"model_max_length": 512, **UNCASED},
        },
        **BERT,
    ),
    # The checks of a build of bge-small-en-v1.5 (its name is not known): all of these files as they are there.
    _embeds(
        "bge-small-en-v1.5",
        "bert",
        {
            "1_Pooling/config.json": _pooling("cls_token"),
            "sentence_bert_config.json": {"max_seq_length": 512, **UNCASED},
            "tokenizer_config.json": {"model_max_length": 512, **UNCASED},
        },
        "Normalize",
        **BERT,
    ),
    # PengYi510/AI_Recruitment_Assistant, models/bge-m3
    _embeds(
        "bge-m3, its dense vectors",
        "xlm-roberta",
        {
            "1_Pooling/config.json": _pooling("cls_token"),
            "sentence_bert_config.json": {"max_seq_length": 8192, **CASED},
            "config_sentence_transformers.json": _version("2.2.2"),
        },
        "Normalize",
        **XLM_ROBERTA,
        max_position_embeddings=8194,
    ),
    # dogukanveziroglu/bge-m3-ml-tr-specialized
    _embeds(
        "bge-m3 fine-tuned with 5.0",
        "xlm-roberta",
        {
            "1_Pooling/config.json": {**_pooling("cls_token", 6), "include_prompt": True},
            "sentence_bert_config.json": {"max_seq_length": 8192, **CASED},
            "tokenizer_config.json": {"model_max_length": 8192, "truncation_strategy": "longest_first", "stride": 0},
            "config_sentence_transformers.json": _version(
                "5.0.0",
                model_type="SentenceTransformer",
                prompts={"query": "", "document": ""},
                default_prompt_name=None,
                similarity_fn_name="cosine",
            ),
        },
        "Normalize",
        **XLM_ROBERTA,
        max_position_embeddings=8194,
    ),
    # rdion044/e5-small: config.json and config_sentence_transformers.json of multilingual-e5-large-instruct
    _embeds(
        "multilingual-e5-large-instruct",
        "xlm-roberta",
        {
            "1_Pooling/config.json": _pooling("mean_tokens"),
            "sentence_bert_config.json": {"max_seq_length": 512, **CASED},
            "config_sentence_transformers.json": _version("2.4.0.dev0"),
        },
        "Normalize",
        **XLM_ROBERTA,
    ),
    # sarashahine/eschool-chatbot-main, arabic_embedding_models/LaBSE; PeterKarinbit/labse-api, config.json
    _embeds(
        "LaBSE",
        "bert",
        {
            "1_Pooling/config.json": _pooling("cls_token"),
            "2_Dense/config.json": _dense(WIDTH, bias=True, activation=TANH),
            "sentence_bert_config.json": {"max_seq_length": 256, **CASED},
            "tokenizer_config.json": {"model_max_length": 256, "never_split": None, "strip_accents": None, **CASED},
        },
        "Dense",
        "Normalize",
        **BERT,
        **LABSE,
    ),
    # intsig-textin/acge_text_embedding
    _embeds(
        "acge_text_embedding",
        "bert",
        {
            "1_Pooling/config.json": _pooling("mean_tokens", 6),
            "2_Dense/config.json": _dense(112, bias=True, activation=IDENTITY),
            "sentence_bert_config.json": {"max_seq_length": 1024, **CASED},
        },
        "Dense",
        **BERT,
        max_position_embeddings=1024,
    ),
    # abeermughal/SDGs-Chatbot: sentence_bert_config.json and config_sentence_transformers.json of all-mpnet-base-v2
    _embeds(
        "all-mpnet-base-v2",
        "mpnet",
        {
            "1_Pooling/config.json": _pooling("mean_tokens"),
            "sentence_bert_config.json": {"max_seq_length": 384, **CASED},
            "config_sentence_transformers.json": _version("2.0.0"),
        },
        "Normalize",
    ),
    # DeathGamer111/MiniLM-L6-v2
    _embeds("a MiniLM of its last token", "bert", {"1_Pooling/config.json": _pooling("lasttoken", 6)}, **BERT),
)
HEADS = (
    # ahmedghosaini/crag-meta, models/ms-marco-MiniLM-L-6-v2
    Kind(
        name="ms-marco-MiniLM-L-6-v2, a cross-encoder of before 4.0",
        make=partial(_head, "bert", ["LABEL_0"], BERT | {"sbert_ce_default_activation_function": IDENTITY}),
        inputs=RANKING,
        expected=ranks,
    ),
    # ahmedghosaini/crag-meta, models/bge-reranker-v2-m3
    Kind(
        name="bge-reranker-v2-m3, --task text-ranking",
        make=partial(_head, "xlm-roberta", ["LABEL_0"], XLM_ROBERTA | {"max_position_embeddings": 8194}),
        options=("--task", "text-ranking"),
        inputs=RANKING,
        expected=ranks,
    ),
    # KemuntoJudith/sentiment-analysis-tool, models/finbert
    Kind(
        name="finbert",
        make=partial(_head, "bert", ["positive", "negative", "neutral"], BERT),
        expected=_scores,
    ),
    Kind(
        name="go_emotions, several labels at once",
        make=partial(_head, "roberta", ["joy", "anger", "fear"], {"problem_type": "multi_label_classification"}),
        expected=_scores,
    ),
)


def _two_poolings(folder: Path) -> str:
    # inin-zou/NoInstruct-small-Embedding-v0: queries are pooled by one, passages by the other
    first = {**_pooling("cls_token", 6), "include_prompt": True, "output_key": "sentence_embedding"}
    files = {"1_Pooling/config.json": first, "2_Pooling/config.json": _pooling("mean_tokens", 6)}
    return _embedder("bert", {}, files, ("Transformer", "Pooling", "Pooling", "Normalize"), folder)


REFUSED = (
    Kind(name="NoInstruct-small, two poolings", make=_two_poolings, sentence="is Transformer, Pooling, Pooling, Norm"),
)
KINDS = (*EMBEDDERS, *HEADS, *REFUSED)
