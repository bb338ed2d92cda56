"""config_sentence_transformers.json: prompts, how much of a vector is kept, and what the model needs."""

import importlib.metadata
import platform
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ...checkpoint_files import load_json
from ...errors import Refused
from ...layouts.sentence import MODEL_FILE

OTHER_MODELS = {
    "CrossEncoder": "scores pairs by modules that berth does not serve",
    "MultiVectorEncoder": "makes a vector of every token",
    "SparseEncoder": "makes sparse vectors, a number for each word of the vocabulary",
}
PACKAGES = {"pytorch": "torch", "tokenizers": "tokenizers", "torch": "torch", "transformers": "transformers"}


def check_model_type(checkpoint: Path, served: str = "SentenceTransformer") -> None:
    """Refused for a model that sentence-transformers loads by another class than its modules are for."""
    path = checkpoint / MODEL_FILE
    kind = load_json(path).get("model_type")
    if kind == served:
        return
    if what := OTHER_MODELS.get(str(kind)):
        raise Refused(f"{path} says {kind}, which {what}: serve this model with sentence-transformers")


def check_max_sim(checkpoint: Path) -> None:
    """Refused for scores of late interaction that are divided by the query's tokens."""
    path = checkpoint / MODEL_FILE
    if load_json(path).get("similarity_fn_name") == "meanmaxsim":
        raise Refused(f"{path} scores by meanmaxsim; berth serves maxsim: serve this model with sentence-transformers")


def check_requirements(checkpoint: Path) -> None:
    """Refused when the model's authors say that it needs another version of what answers here."""
    path = checkpoint / MODEL_FILE
    requirements = load_json(path).get("requirements")
    for name, wanted in requirements.items() if isinstance(requirements, dict) else ():
        specifier, version = wanted.get("specifier") if isinstance(wanted, dict) else wanted, _version(name)
        if version and isinstance(specifier, str) and not _is_met(specifier, version):
            raise Refused(f"{path} requires {name} {specifier}, and {version} is installed: install one that it takes")


def _version(name: str) -> str | None:
    """The version that is installed of what changes answers; None for any other package."""
    if name == "python":
        return platform.python_version()
    return importlib.metadata.version(PACKAGES[name]) if name in PACKAGES else None


def _is_met(specifier: str, version: str) -> bool:
    """Whether a version is as wanted; also when nobody can tell, as sentence-transformers has it."""
    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def prompts_of(checkpoint: Path) -> tuple[dict[str, str], str | None]:
    """The model's prompts, and the name of the one that a text gets when none is asked for."""
    path = checkpoint / MODEL_FILE
    settings = load_json(path)
    prompts = settings.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise Refused(f"{path}: prompts is {prompts!r}; it maps names to texts")
    default = settings.get("default_prompt_name") or None
    if default is not None and default not in list(prompts):
        raise Refused(f"{path}: default_prompt_name is {default!r}; the prompts are {', '.join(prompts) or 'none'}")
    return {name: text or "" for name, text in prompts.items()}, None if default is None else str(default)


def truncate_dim_of(checkpoint: Path) -> int | None:
    """How many values of each vector are kept when a request does not say; None for all."""
    return _count_of(checkpoint / MODEL_FILE, "truncate_dim")


def max_active_dims_of(checkpoint: Path) -> int | None:
    """How many words of a sparse vector are kept when a request does not say; None for all."""
    return _count_of(checkpoint / MODEL_FILE, "max_active_dims")


def _count_of(path: Path, name: str) -> int | None:
    value = load_json(path).get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise Refused(f"{path}: {name} is {value!r}; it is a whole number of 1 or more")
    return value
