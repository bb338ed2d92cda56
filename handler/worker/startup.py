"""What comes before the load: quick imports, and logs without what nobody reads; how what was loaded is logged."""

import gc
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

# transformers imports these wherever they are installed: to spread weights over devices, for losses of object
# detection, metrics and images.
UNUSED = ("accelerate", "scipy", "sklearn", "torchvision")
# Its __init__ reads the source of every model for their names, as transformers' own has just done.
MODELS = "transformers.models"
COMPILER = "torch._dynamo"
MARKS = ("allow_in_graph", "assume_constant_result", "disable", "disallow_in_graph")


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import transformers with half of what it imports, and without looking for garbage.

    What is imported stays for good, torch too, and the collector would walk through all of it again and again. In the
    end it is taken out of the collector's sight, or the first request would pay for a walk. Nothing is to be loaded in
    here: the weights of an engine that was tried in vain would stay in memory.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    gc.disable()
    try:
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: an import says: not installed
        with without_compiler(), without_distribution():
            if MODELS not in sys.modules:
                sys.modules[MODELS] = StandIn(MODELS, {})
            yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
        gc.freeze()
        gc.enable()


@contextmanager
def without_compiler() -> Iterator[None]:
    """Import and load without torch.compile's part of torch, a second of imports: many functions are marked for it."""
    if COMPILER in sys.modules:
        yield
        return
    sys.modules[COMPILER] = stand_in = StandIn(COMPILER, dict.fromkeys(MARKS, _leave))
    try:
        yield
    finally:
        if sys.modules.get(COMPILER) is stand_in:
            del sys.modules[COMPILER]


@contextmanager
def without_distribution() -> Iterator[None]:
    """Import without what spreads tensors over machines: torch may be built without it."""
    import torch  # noqa: PLC0415 - after the handler has checked its version

    with patch.object(torch.distributed, "is_available", bool):
        yield


class StandIn(ModuleType):
    """Stands in the place of a package until somebody asks for more of it than `names`; its modules are as they are."""

    def __init__(self, name: str, names: Mapping[str, object]) -> None:
        super().__init__(name)
        spec = find_spec(name)
        self.__path__ = list(spec.submodule_search_locations or ()) if spec else []
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def _leave(function: Callable[..., object] | None = None, *_: object, **__: object) -> Callable[..., object]:
    """Decorate, with or without arguments, and change nothing."""
    return _leave if function is None else function


def die_first() -> None:
    """Have the kernel kill a worker first where memory runs out, not java: TorchServe restarts it (proc(5))."""
    with suppress(OSError):  # not Linux, or somebody has set it higher
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def log_line(facts: Mapping[str, object]) -> str:
    """Write facts as key=value; those of a group have its name before their own: candidates_scorer=mlp."""
    groups = (
        {name: value} if not isinstance(value, Mapping) else _prefixed(name, value) for name, value in facts.items()
    )
    return " ".join(f"{name}={value}" for group in groups for name, value in group.items())


def _prefixed(group: str, facts: Mapping[str, object]) -> dict[str, object]:
    return {f"{group}_{name}": value for name, value in facts.items()}


def quiet_logs() -> None:
    """Silence transformers' progress bars, and the line per batch that TorchServe's worker logs on the root logger."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415 - after quick_imports

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.getLogger().addFilter(lambda record: record.levelno >= logging.WARNING)
