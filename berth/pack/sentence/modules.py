"""Which modules a model of sentence-transformers may have, in which order; and what the others are."""

from collections.abc import Sequence
from pathlib import Path

from ...errors import Refused
from ...layouts.sentence import MODULES_FILE, TRANSFORMERS, Module

BEHIND_POOLING = ("Dense", "LayerNorm", "Dropout")
SERVED = (*TRANSFORMERS, "Pooling", *BEHIND_POOLING, "Normalize", "SpladePooling", "StaticEmbedding", "MultiVectorMask")
SPARSE = "makes sparse vectors, a number for each word of the vocabulary"
EVERY_TOKEN = "makes a vector of every token"  # noqa: S105 - no password
WITHOUT_MODEL = "looks words up in a table, without a transformer"
ROUTES = "sends queries and documents through different modules"
OLD = "is the name of a Transformer in early sentence-transformers, which none loads any more"
FOREIGN = "is code of its own, which berth never runs"
UNKNOWN = "berth does not know"
# What the modules of sentence-transformers 6.2 do that berth does not serve.
OTHERS = {
    **dict.fromkeys(("ALBERT", "BERT", "CamemBERT", "DistilBERT", "RoBERTa", "XLMRoBERTa"), OLD),
    "Asym": ROUTES,
    "BoW": WITHOUT_MODEL,
    "CLIPModel": "embeds images beside texts",
    "CNN": "reads the token vectors by convolutions",
    "HierarchicalTokenPooling": EVERY_TOKEN,
    "LSTM": "reads the token vectors by a recurrent network",
    "LambdaTokenPooling": EVERY_TOKEN,
    "LogitScore": "scores by the words of a decoder",
    "Router": ROUTES,
    "SparseAutoEncoder": SPARSE,
    "SparseStaticEmbedding": SPARSE,
    "WeightedLayerPooling": "mixes the vectors of all layers",
    "WordEmbeddings": WITHOUT_MODEL,
    "WordWeights": WITHOUT_MODEL,
}
CURES = {
    OLD: "write sentence_transformers.models.Transformer in its place",
    ROUTES: "save the modules of the route that you need as a model of its own, and pack that (both are served where "
    "queries go through SparseStaticEmbedding, and documents through Transformer and SpladePooling)",
}


def check_kinds(checkpoint: Path, modules: Sequence[Module]) -> None:
    """Refused for a module that berth does not serve."""
    for module in modules:
        if module.kind in SERVED:
            continue
        what = OTHERS.get(module.kind, FOREIGN if "." in module.kind else UNKNOWN)
        cure = CURES.get(what, "serve this model with sentence-transformers")
        raise Refused(
            f"{checkpoint / MODULES_FILE} names the module {module.kind}, which {what}; berth serves "
            f"{', '.join(SERVED)}: {cure}"
        )


def makes_sparse(modules: Sequence[Module]) -> bool:
    """Whether the modules are a SPLADE model's: a masked-language model, and the pooling of its logits."""
    kinds = [module.kind for module in modules]
    return len(kinds) > 1 and kinds[0] in TRANSFORMERS and kinds[1:] == ["SpladePooling"]


def check_order(checkpoint: Path, modules: Sequence[Module]) -> None:
    """Refused unless the modules embed texts in the order in which we do."""
    kinds = [module.kind for module in modules]
    behind = [kind for kind in kinds[2:] if kind != "Dropout"]
    while behind and behind[-1] == "Normalize":  # once more changes nothing
        behind.pop()
    if kinds[:2] != ["Transformer", "Pooling"] or not set(behind) <= set(BEHIND_POOLING):
        raise Refused(
            f"{checkpoint / MODULES_FILE} is {', '.join(kinds)}; berth serves Transformer, Pooling, any number of "
            "Dense and LayerNorm and perhaps Normalize, in this order, or Transformer and SpladePooling, or "
            "Transformer, Dense, MultiVectorMask and Normalize: serve this model with sentence-transformers"
        )
