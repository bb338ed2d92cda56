"""What bge-m3 says of tokens: its sparse and its ColBERT module beside the transformer's weights."""

from pathlib import Path

from handler.vectors.settings import Vectors

from ...checkpoint_files import COLBERT_LINEAR, CONFIG, SPARSE_LINEAR, TOKEN_MODULES, WEIGHTS, load_json
from .embedding import Embedding


def token_vectors_of(transformer: Path, embedding: Embedding) -> Vectors | None:
    """How they make vectors beside the dense one; None where there are none."""
    there = {name: load_json(transformer / name / CONFIG) for name in _present(transformer)}
    if not there:
        return None
    hidden = next(iter(there.values()))["in_features"]
    behind = load_json(transformer / embedding.dense[-1] / CONFIG) if embedding.dense else {}
    width = behind.get("out_features", behind.get("dimension")) or int(str(hidden)) * len(embedding.pooling)
    return Vectors(
        sparse_module=SPARSE_LINEAR if SPARSE_LINEAR in there else None,
        multi_module=COLBERT_LINEAR if COLBERT_LINEAR in there else None,
        token_width=int(str(there[COLBERT_LINEAR]["out_features"])) if COLBERT_LINEAR in there else 0,
        dense_width=int(str(width)),
    )


def _present(transformer: Path) -> tuple[str, ...]:
    return tuple(name for name in TOKEN_MODULES if (transformer / name / WEIGHTS).is_file())
