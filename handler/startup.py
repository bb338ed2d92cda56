"""What comes before the load: quick imports, and logs without what nobody reads."""

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# transformers imports these wherever they are installed: for losses of object detection, metrics and images.
UNUSED = ("scipy", "sklearn", "torchvision")


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import without UNUSED packages, and without looking for garbage: transformers in two thirds of the time.

    What is imported stays for good, and the collector would walk through all of it again and again. In the end it is
    taken out of the collector's sight, or the first request would pay for a walk. Nothing is to be loaded in here: the
    weights of an engine that was tried in vain would stay in memory.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: an import says that it is not installed
    gc.disable()
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.freeze()
        gc.enable()


def quiet_logs() -> None:
    """No progress bars of transformers, and no line per batch that TorchServe's worker logs on the root logger."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415 - after quick_imports

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.getLogger().addFilter(lambda record: record.levelno >= logging.WARNING)
