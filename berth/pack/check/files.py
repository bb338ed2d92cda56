"""What a checkpoint's files say before anything is loaded: whether tokenizer, labels and config fit the weights.

The known answers cannot show a wrong tokenizer, because transformers and the handler ask it the same way. Neither torch
nor transformers is imported: only JSON, the headers of the weights and the model card are read.
"""

from collections.abc import Mapping

from ...checkpoint_files import CONFIG, load_json
from ...safetensors_header import TensorEntry
from ..checkpoint import Checkpoint
from .attention import check_attention
from .damaged import read_weights
from .labels import check_labels
from .sizes import check_sizes
from .tokenizer_files import check_tokenizer


def check_files(checkpoint: Checkpoint) -> None:
    """Refuse a tokenizer, labels or a config.json that do not fit the weights, and weights that are not all there."""
    config, weights = load_json(checkpoint.root / CONFIG), _weights(checkpoint)
    shapes = {name: entry.shape for name, entry in weights.items()}
    check_tokenizer(checkpoint, config, shapes)
    check_labels(checkpoint, config, shapes)
    check_sizes(checkpoint.root / CONFIG, config, weights)
    check_attention(checkpoint.root / CONFIG, config, checkpoint.max_tokens)


def _weights(checkpoint: Checkpoint) -> Mapping[str, TensorEntry]:
    """Every tensor of the transformer, by name."""
    weights: dict[str, TensorEntry] = {}
    for name in checkpoint.files:
        if name.endswith(".safetensors") and "/" not in name:  # the others are Dense modules
            weights |= read_weights(checkpoint.root / name)
    return weights
