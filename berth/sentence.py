"""What sentence-transformers' files say: modules.json, and how token vectors become one text vector."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from handler.config import Pooling

from .errors import Refused
from .folder import load_any_json, load_json
from .layout import check_name

MODULES = "modules.json"
IMPLEMENTED = ("Transformer", "Pooling", "Normalize")
# The flags of 1_Pooling/config.json from before `pooling_mode` was a name (sentence-transformers, Pooling).
OLD_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
DEFAULT_MODE = "mean"  # its default when no flag is written
# Settings that change a text before the tokenizer sees it, and their files.
TEXT_CHANGES = (
    ("sentence_bert_config.json", "do_lower_case"),
    ("config_sentence_transformers.json", "default_prompt_name"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One step of a sentence-transformers model."""

    type: str
    """As modules.json spells it: `sentence_transformers.models.Pooling`."""
    path: str
    """Its folder inside the checkpoint; empty for the checkpoint's own."""

    @property
    def kind(self) -> str:
        """The class's name when it is sentence-transformers' own, else the whole type."""
        package, _, name = self.type.rpartition(".")
        return name if package.split(".")[0] == "sentence_transformers" else self.type


def load_modules(folder: Path) -> tuple[Module, ...]:
    """The modules of `folder` in order; none when it is no sentence-transformers checkpoint."""
    path = folder / MODULES
    if not path.is_file():
        return ()
    steps = load_any_json(path)
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Refused(f"{path} holds no list of modules")
    modules = tuple(Module(type=str(step.get("type")), path=str(step.get("path", ""))) for step in steps)
    for module in modules:
        if module.path:
            check_name(module.path)
    return modules


def transformer_folder(folder: Path, modules: tuple[Module, ...]) -> Path:
    """Where config.json and the weights lie: old sentence-transformers put them into 0_Transformer."""
    return folder / next((module.path for module in modules if module.kind == "Transformer"), "")


def pooling_of(folder: Path, modules: tuple[Module, ...]) -> tuple[Pooling, bool]:
    """Pooling, and whether vectors are normalised (a bare encoder: mean, no). Refused for what we lack."""
    kinds = [module.kind for module in modules]
    unknown = [kind for kind in kinds if kind not in IMPLEMENTED]
    if unknown:
        raise Refused(f"{folder / MODULES} names the module {unknown[0]}; berth has {', '.join(IMPLEMENTED)}")
    if modules and kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise Refused(f"{folder / MODULES} is {', '.join(kinds)}; berth has Transformer, Pooling and perhaps Normalize")
    _refuse_changed_texts(folder, transformer_folder(folder, modules))
    pooling = _pooling(folder / modules[1].path / "config.json") if modules else Pooling.MEAN
    return pooling, "Normalize" in kinds


def _refuse_changed_texts(*folders: Path) -> None:
    """Refused when sentence-transformers would change texts before its tokenizer sees them, which berth does not."""
    for folder, (name, setting) in product(folders, TEXT_CHANGES):
        value = load_json(folder / name).get(setting)
        if value:
            raise Refused(
                f"{folder / name} sets {setting} to {value!r}, and berth gives texts to the model as they are"
            )


def _pooling(path: Path) -> Pooling:
    """The one pooling mode of a Pooling module's config."""
    config = load_json(path)
    flags = [mode for flag, mode in OLD_MODES.items() if config.get(flag, mode == DEFAULT_MODE) is True]
    named = config.get("pooling_mode", flags)
    modes = [named] if isinstance(named, str) else named
    if not isinstance(modes, list) or len(modes) != 1 or modes[0] not in list(Pooling):
        raise Refused(f"{path} pools by {modes}; berth has {', '.join(Pooling)}, one at a time")
    return Pooling(modes[0])
