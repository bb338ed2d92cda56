"""What comes before the load: quick imports, and logs without what nobody reads."""

import gc
import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from unittest.mock import patch

T = TypeVar("T")

# transformers imports these wherever they are installed: for losses of object detection, metrics and images.
UNUSED = ("scipy", "sklearn", "torchvision")


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import transformers with half of what it imports, and without looking for garbage.

    What is imported stays for good, and the collector would walk through all of it again and again. In the end it is
    taken out of the collector's sight, or the first request would pay for a walk. Nothing is to be loaded in here: the
    weights of an engine that was tried in vain would stay in memory.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    gc.disable()
    try:
        import torch  # noqa: PLC0415 - after the handler has checked its version

        sys.modules.setdefault(_Compiler.NAME, _Compiler())
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: an import says: not installed
        with patch.object(torch.distributed, "is_available", bool):
            yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
        gc.freeze()
        gc.enable()


class _Compiler(ModuleType):
    """torch.compile's, a second of imports, until somebody asks for more of it than the decorators that mark functions.

    transformers and torch decorate many functions for the day that they are compiled, which no worker does.
    """

    NAME = "torch._dynamo"

    def __init__(self) -> None:
        super().__init__(self.NAME)
        self.__path__ = [str(Path(importlib.import_module("torch").__path__[0], "_dynamo"))]  # parts are as they are

    def __getattr__(self, name: str) -> Any:
        if name in {"allow_in_graph", "assume_constant_result", "disable", "disallow_in_graph"}:
            return _leave
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(self.NAME, None)
        return getattr(importlib.import_module(self.NAME), name)


def _leave(function: Callable[..., T] | None = None, *_: object, **__: object) -> Callable[..., Any]:
    """A decorator, with or without arguments, that changes nothing."""
    return _leave if function is None else function


def quiet_logs() -> None:
    """No progress bars of transformers, and no line per batch that TorchServe's worker logs on the root logger."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415 - after quick_imports

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.getLogger().addFilter(lambda record: record.levelno >= logging.WARNING)
