"""Where sentence-transformers keeps what: modules.json, the Transformer module's folder, its settings. JSON alone."""

from dataclasses import dataclass
from pathlib import Path

from ..checkpoint_files import load_any_json, load_json
from ..errors import Refused

MODULES_FILE = "modules.json"
MODEL_FILE = "config_sentence_transformers.json"
# The Transformer module's own settings, the present name first, then older ones (Transformer.load_config).
TRANSFORMER_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
TRANSFORMERS = ("Transformer", "MLMTransformer")
PACKAGES = ("sentence_transformers", "pylate")
"""Those whose classes are known by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One step of a sentence-transformers model."""

    type: str
    """Its class as modules.json spells it: `sentence_transformers.models.Pooling`."""
    path: str
    """Its folder inside the checkpoint; empty for the checkpoint itself."""

    @property
    def kind(self) -> str:
        """The class's name when it is sentence-transformers' or PyLate's, whatever its place there; else the type."""
        package, _, name = self.type.rpartition(".")
        return name if package.split(".")[0] in PACKAGES else self.type


def load_modules(checkpoint: Path) -> tuple[Module, ...]:
    """The modules in order; none when sentence-transformers did not make the checkpoint."""
    path = checkpoint / MODULES_FILE
    if not path.is_file():
        return ()
    steps = load_any_json(path)
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Refused(f"{path} does not hold a list of modules: download the checkpoint again")
    modules = tuple(Module(type=str(step.get("type")), path=str(step.get("path") or "")) for step in steps)
    check_inside(path, modules)
    return modules


def check_inside(path: Path, modules: tuple[Module, ...]) -> None:
    """Refuse modules, which `path` names, outside the checkpoint."""
    for module in modules:
        if Path(module.path).is_absolute() or ".." in Path(module.path).parts:
            raise Refused(f"{path} has a module in {module.path!r}, outside the checkpoint: download it again")


def transformer_folder(checkpoint: Path, modules: tuple[Module, ...]) -> Path:
    """Where config.json and the weights lie: old sentence-transformers put them into 0_Transformer."""
    return checkpoint / next((module.path for module in modules if module.kind in TRANSFORMERS), "")


def transformer_file(transformer: Path) -> Path:
    """The Transformer module's own settings: the first file that holds any, else where it would lie."""
    files = [transformer / name for name in TRANSFORMER_FILES]
    return next((file for file in files if file.is_file() and load_json(file)), files[0])
