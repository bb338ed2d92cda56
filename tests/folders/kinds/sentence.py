"""What sentence-transformers 6 saves: every pooling and module that is served, and those that are refused."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.late import make_pylate, make_stanford
from tests.support.checkpoints.routes import make_routes
from tests.support.checkpoints.sentence_transformers import (
    DenseLayer,
    make_cross_encoder,
    make_sentence_checkpoint,
    make_sparse_encoder,
)

from ..kind import Kind, Numbers

TRANSFORMER = "sentence_bert_config.json"
MODEL = "config_sentence_transformers.json"
EVERY_POOLING = ("weightedmean", "lasttoken", "mean_sqrt_len_tokens", "cls", "mean", "max")
OWN = "sentence_transformers.models"
RANKING = (
    {"query": "Where is the ship?", "texts": ["The ship lies in the harbour.", "Der Zug nach Köln", "", "five " * 600]},
    {"query": "", "texts": ["The tide turns."]},
)


def change(path: Path, **settings: object) -> None:
    """Change settings of a JSON file, which may not be there yet."""
    values = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(values | settings), "utf-8")


def vectors(folder: Path, texts: Sequence[str]) -> Numbers:
    """sentence-transformers' own vectors, all texts in one batch."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds

    found: Any = SentenceTransformer(str(folder), device="cpu", local_files_only=True).encode(list(texts))
    numbers: Numbers = found.tolist()
    return numbers


def ranks(folder: Path, inputs: Sequence[Mapping[str, Any]]) -> Numbers:
    """sentence-transformers' own scores of each query's texts, best first."""
    from sentence_transformers import CrossEncoder  # noqa: PLC0415

    model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
    return [[float(each["score"]) for each in model.rank(item["query"], item["texts"])] for item in inputs]


def _model(files: Mapping[str, Mapping[str, object]], folder: Path, **settings: Any) -> str:
    make_sentence_checkpoint(folder, **settings)
    for name, values in files.items():
        change(folder / name, **values)
    return str(folder)


def _cased(architecture: str, folder: Path) -> str:
    """A tokenizer that keeps capitals, and settings that lower them."""
    files = {TRANSFORMER: {"do_lower_case": True}, "tokenizer_config.json": {"do_lower_case": False}}
    return _model(files, folder, architecture=architecture)


def _modules(types: Sequence[str], folder: Path) -> str:
    """modules.json with these types, beside an encoder."""
    make_checkpoint(folder, "bert", Task.EMBEDDINGS)
    paths = ("", *(f"{index}_{type_.rpartition('.')[2]}" for index, type_ in enumerate(types) if index))
    steps = [
        {"idx": index, "name": str(index), "path": paths[index], "type": types[index]} for index in range(len(types))
    ]
    (folder / "modules.json").write_text(json.dumps(steps), "utf-8")
    return str(folder)


def _weights(folder: Path, texts: Sequence[str]) -> Numbers:
    """sentence-transformers' own weights of the words of each text, the largest first."""
    from sentence_transformers import SparseEncoder  # noqa: PLC0415

    rows: Any = SparseEncoder(str(folder), device="cpu", local_files_only=True).encode(list(texts))
    return [sorted(filter(None, row), reverse=True) for row in rows.to_dense().tolist()]


def _late(folder: Path, texts: Sequence[str]) -> Numbers:
    """sentence-transformers' own vectors of a document's tokens, one behind the other."""
    from sentence_transformers import MultiVectorEncoder  # noqa: PLC0415

    model = MultiVectorEncoder(str(folder), device="cpu", local_files_only=True)
    return [rows.flatten().tolist() for rows in model.encode_document(list(texts))]


def _static(folder: Path) -> Any:
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding  # noqa: PLC0415
    from transformers import AutoTokenizer  # noqa: PLC0415

    base = make_checkpoint(folder.parent / f"{folder.name}-words", "bert", Task.EMBEDDINGS)
    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    return StaticEmbedding(tokenizer, embedding_dim=8)


def _saved(modules: Callable[[Path], Any], folder: Path) -> str:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    SentenceTransformer(modules=[modules(folder)], device="cpu").save_pretrained(str(folder))
    return str(folder)


def _router(folder: Path) -> Any:
    from sentence_transformers.base.modules import Router  # noqa: PLC0415

    return Router.for_query_document([_static(folder)], [_static(folder)])


def _idf_alone(folder: Path) -> str:
    """As OpenSearch published its models before sentence-transformers knew them."""
    make_checkpoint(folder, "distilbert", Task.FILL_MASK)
    change(folder / "idf.json", ship=2.5)
    return str(folder)


def _served(name: str, tolerance: float = 1e-5, **settings: Any) -> Kind:
    return Kind(name=name, make=partial(_model, {}, **settings), expected=vectors, tolerance=tolerance)


def _refused(name: str, sentence: str, files: Mapping[str, Mapping[str, object]], **settings: Any) -> Kind:
    return Kind(name=name, make=partial(_model, files, **settings), sentence=sentence)


def _unserved(name: str, sentence: str, *types: str) -> Kind:
    return Kind(name=name, make=partial(_modules, types), sentence=sentence)


PROMPTS: dict[str, Any] = {"prompts": {"query": "query: "}, "default_prompt": "query"}
LONG = 5e-5  # these vectors are up to 11 times as long as a mean, for 120 tokens
KINDS = (
    _served(
        "sentence-transformers: mean_sqrt_len_tokens", LONG, architecture="roberta", pooling="mean_sqrt_len_tokens"
    ),
    _served("sentence-transformers: weightedmean, default prompt", pooling="weightedmean", **PROMPTS),
    _served("sentence-transformers: lasttoken, MPNet", architecture="mpnet", pooling="lasttoken"),
    _served("sentence-transformers: all poolings joined", LONG, pooling=EVERY_POOLING),
    _served(
        "sentence-transformers: two poolings, LayerNorm, Dense, Dropout, Normalize",
        pooling=("cls", "mean"),
        normalize=True,
        dense=["LayerNorm", DenseLayer(32), "Dropout"],
    ),
    Kind(
        name="sentence-transformers: truncate_dim, texts of 9 tokens, settings of speed",
        make=partial(
            _model,
            {TRANSFORMER: {"max_seq_length": 9, "model_args": {"torch_dtype": "float32"}, "unpad_inputs": False}},
            truncate_dim=24,
        ),
        expected=vectors,
    ),
    Kind(name="sentence-transformers: do_lower_case, cased BERT", make=partial(_cased, "bert"), expected=vectors),
    Kind(name="sentence-transformers: do_lower_case, RoBERTa", make=partial(_cased, "roberta"), expected=vectors),
    Kind(
        name="sentence-transformers 6 cross-encoder",
        make=lambda folder: str(make_cross_encoder(folder)),
        inputs=RANKING,
        expected=ranks,
    ),
    Kind(
        name="sentence-transformers: SPLADE",
        make=lambda folder: str(make_sparse_encoder(folder, max_active_dims=16)),
        expected=_weights,
    ),
    Kind(
        name="sentence-transformers: SPLADE, its queries looked up",
        make=lambda folder: str(make_routes(folder)),
        expected=_weights,
    ),
    Kind(
        name="OpenSearch: SPLADE, its queries looked up",
        make=lambda folder: str(make_routes(folder, is_published=True)),
        expected=_weights,
    ),
    Kind(
        name="OpenSearch: SPLADE, idf.json and no modules.json",
        make=_idf_alone,
        sentence=r"has weights of a query's words, and without modules\.json nothing says",
    ),
    Kind(
        name="sentence-transformers: StaticEmbedding",
        make=partial(_saved, _static),
        expected=vectors,
    ),
    Kind(name="PyLate: ColBERT", make=lambda folder: str(make_pylate(folder)), expected=_late),
    Kind(name="Stanford's ColBERT", make=lambda folder: str(make_stanford(folder)), expected=_late),
    Kind(
        name="sentence-transformers: Router",
        make=partial(_saved, _router),
        sentence="Router, which sends queries and documents",
    ),
    _unserved(
        "sentence-transformers: MultiVectorEncoder without Dense",
        "is Transformer, MultiVectorMask; berth serves",
        f"{OWN}.Transformer",
        "sentence_transformers.multi_vector_encoder.modules.multi_vector_mask.MultiVectorMask",
    ),
    _unserved(
        "sentence-transformers: WeightedLayerPooling",
        "which mixes the vectors of all layers",
        f"{OWN}.Transformer",
        f"{OWN}.WeightedLayerPooling",
        f"{OWN}.Pooling",
    ),
    _unserved(
        "sentence-transformers: CNN",
        "CNN, which reads the token vectors by convolutions",
        f"{OWN}.Transformer",
        f"{OWN}.CNN",
        f"{OWN}.Pooling",
    ),
    _unserved("sentence-transformers: CLIP", "CLIPModel, which embeds images", f"{OWN}.CLIPModel"),
    _unserved("sentence-transformers: bag of words", "BoW, which looks words up", f"{OWN}.BoW"),
    _unserved(
        "sentence-transformers: module of its own",
        r"custom_st\.Transformer, which is code of its own",
        "custom_st.Transformer",
    ),
    _unserved(
        "sentence-transformers of 2019: module BERT",
        "BERT, which is the name of a Transformer",
        f"{OWN}.BERT",
        f"{OWN}.Pooling",
    ),
    _refused(
        "sentence-transformers: prompts left out of the pooling",
        "sets include_prompt to false",
        {},
        include_prompt=False,
        **PROMPTS,
    ),
    _refused(
        "sentence-transformers: residual Dense",
        "sets use_residual to True",
        {"2_Dense/config.json": {"use_residual": True}},
        dense=[DenseLayer(32)],
    ),
    _refused(
        "sentence-transformers: query of another length", "sets query_length to 32", {TRANSFORMER: {"query_length": 32}}
    ),
    _refused(
        "sentence-transformers: another transformers required",
        "requires transformers <5",
        {MODEL: {"requirements": {"transformers": "<5"}}},
    ),
)
