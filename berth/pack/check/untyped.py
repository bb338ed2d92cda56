"""A config.json that names no type of model: the names of the weights tell whether one can be written into it."""

from pathlib import Path

from ...checkpoint_files import CONFIG, WEIGHTS
from ...errors import Refused
from .damaged import read_weights

# How the weights' names begin in transformers' own encoders, alone and below a head.
OF_TRANSFORMERS = (
    *("albert.", "bert.", "deberta.", "distilbert.", "electra.", "mpnet.", "roberta."),
    *("embeddings.", "encoder."),
)


def refuse_untyped(transformer: Path) -> None:
    """Refuse such a checkpoint, with what to do where there is a way."""
    path = transformer / WEIGHTS
    names = read_weights(path) if path.is_file() else ()
    if not names or any(name.startswith(OF_TRANSFORMERS) for name in names):
        raise Refused(f'{transformer / CONFIG} has no model_type: write the type of the model, such as "bert", into it')
    raise Refused(
        f"{transformer / CONFIG} has no model_type, and the weights are called {min(names)} and so on: write the "
        "type into it if transformers has the model; code of its own, as huggingface_hub's PyTorchModelHubMixin saves "
        "it, is never run: take a checkpoint that transformers' save_pretrained made"
    )
