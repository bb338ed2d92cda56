"""SpladePooling: how a masked-language model's logits become a sparse vector."""

from pathlib import Path

from handler.vectors.settings import Vectors, WordPooling

from ...errors import Refused
from ...sentence_files import Module
from .model_file import max_active_dims_of
from .settings import ANY_VALUE, check_settings

ACTIVATIONS = {"relu": False, "log1p_relu": True}
SETTINGS = dict.fromkeys(
    (
        *("pooling_strategy", "activation_function"),
        *("embedding_dimension", "word_embedding_dimension", "chunk_size"),  # they change no answer
    ),
    ANY_VALUE,
)


def splade_of(checkpoint: Path, pooling: Module) -> Vectors:
    """What its config.json says; Refused for a pooling or activation that sentence-transformers does not know."""
    path = checkpoint / pooling.path / "config.json"
    settings = check_settings(path, SETTINGS)
    strategy = settings.get("pooling_strategy", "max")
    activation = settings.get("activation_function", "relu")
    if strategy not in list(WordPooling) or activation not in ACTIVATIONS:
        raise Refused(
            f"{path} pools words by {strategy} of {activation}; berth serves {' and '.join(WordPooling)} of "
            f"{' and '.join(ACTIVATIONS)}: download the checkpoint again"
        )
    return Vectors(
        words=WordPooling(str(strategy)),
        is_log_twice=ACTIVATIONS[str(activation)],
        max_active_dims=max_active_dims_of(checkpoint),
    )
