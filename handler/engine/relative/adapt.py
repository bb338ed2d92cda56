"""Has networks of these families read packed streams: their attention is not transformers' to replace."""

from typing import Any

from .texts import TextsRead


def read_streams(network: Any) -> None:
    """Give the modules that would mix texts their packed classes; networks of other families stay as they are."""
    match network.config.model_type:
        case "mpnet":
            from .mpnet import PACKED  # noqa: PLC0415 - transformers' modules, for those that are such
        case "deberta-v2":
            from .deberta import PACKED  # noqa: PLC0415
        case _:
            return
    texts = TextsRead(network)
    packed = {each.__base__: each for each in PACKED}
    for module in list(network.modules()):
        if type(module) in packed:
            module.__class__ = packed[type(module)]
            module.texts = texts
