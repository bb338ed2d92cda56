"""What reads a text that comes alone, as BERTH_LONE_TEXTS says: refused here, before a worker is started in vain."""

from collections.abc import Mapping
from importlib.util import find_spec

from handler.config import LoneTexts

from ..errors import Refused, UsageError

VARIABLE = "BERTH_LONE_TEXTS"


def read_lone_texts(environ: Mapping[str, str]) -> LoneTexts:
    """UsageError for what it cannot be; Refused where the package that it asks for is not installed."""
    wanted = environ.get(VARIABLE, LoneTexts.TORCH)
    if wanted not in list(LoneTexts):
        raise UsageError(f"{VARIABLE} is {wanted!r}; it is one of {', '.join(LoneTexts)}")
    if wanted == LoneTexts.OPENVINO and find_spec("openvino") is None:
        raise Refused(
            f"{VARIABLE} is openvino, and there is no such package here: `pip install 'berth[openvino]'`, or leave the "
            "variable out"
        )
    return LoneTexts(wanted)
