"""The modules behind the pooling: Dense and LayerNorm, which have weights of their own; Normalize; Dropout."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from handler.config import Activation

from ...errors import Refused
from ...layouts.sentence import Module
from .settings import ANY_VALUE, check_settings

VECTOR = "sentence_embedding"
NAMES: dict[str, object] = {"module_input_name": VECTOR, "module_output_name": VECTOR}
SETTINGS: dict[str, dict[str, object]] = {
    "Dense": {"in_features": ANY_VALUE, "out_features": ANY_VALUE, "bias": ANY_VALUE, "activation_function": ANY_VALUE}
    | NAMES,
    "LayerNorm": {"dimension": ANY_VALUE},
    "Normalize": NAMES,
    "Dropout": {"dropout": ANY_VALUE},  # nothing is dropped but in training
}
WEIGHTED = ("Dense", "LayerNorm")
DEFAULT_ACTIVATION = "torch.nn.modules.activation.Tanh"


Served = Mapping[str, Mapping[str, object]]
"""What may be set, by the kinds of modules."""


def weighted_modules(
    checkpoint: Path, transformer: Path, modules: Sequence[Module], served: Served = SETTINGS
) -> tuple[str, ...]:
    """The folders of the modules with weights; Refused where they would not travel, or compute what we do not."""
    for module in modules:
        _check(checkpoint / module.path / "config.json", served[module.kind])
    names = tuple(module.path for module in modules if module.kind in WEIGHTED)
    if names and transformer != checkpoint:
        raise Refused(
            f"{checkpoint} keeps its Dense modules beside {transformer.name}: save it in today's layout with "
            "sentence_transformers.SentenceTransformer(FOLDER).save_pretrained(NEW_FOLDER), and pack that"
        )
    return names


def _check(path: Path, served: Mapping[str, object]) -> None:
    """Refused for settings that we do not serve."""
    settings = check_settings(path, served)
    activation = str(settings.get("activation_function", DEFAULT_ACTIVATION))
    package, _, name = activation.rpartition(".")
    if name not in list(Activation) or not f"{package}.".startswith("torch.nn."):
        raise Refused(
            f"{path}: activation_function is {activation}; berth serves {', '.join(Activation)} of torch.nn: serve "
            "this model with sentence-transformers"
        )
