"""What sentence-transformers' files say: how token vectors become one text vector, and how a pair gets its score.

Whatever these files set is either served as sentence-transformers 6 serves it or refused: nothing is passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handler.config import Activation, Pooling, ScoreFunction

from ..archive.zip_layout import check_name
from ..errors import Refused
from .files import load_any_json, load_json

MODULES = "modules.json"
MODEL = "config_sentence_transformers.json"
# The Transformer module's own settings, the present name first, then older ones (Transformer.load_config).
TRANSFORMER = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
IMPLEMENTED = ("Transformer", "Pooling", "Dense", "Normalize")
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
ANY = object()
# The one value that is served of each setting; one that is absent, null, false or empty changes nothing.
SERVED_TRANSFORMER = {
    "max_seq_length": ANY,
    "unpad_inputs": ANY,  # speed, not answers
    "do_lower_case": False,
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}
SERVED_DENSE = {
    "in_features": ANY,
    "out_features": ANY,
    "bias": ANY,
    "activation_function": ANY,
    "module_input_name": "sentence_embedding",
    "module_output_name": "sentence_embedding",
}
# What a cross-encoder may do with its one logit -> handler.parameters.ScoreFunction.
SCORE_FUNCTIONS = {"Sigmoid": ScoreFunction.SIGMOID, "Identity": ScoreFunction.NONE}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """How a model embeds; as it stands, a bare encoder: the mean of the tokens and nothing else."""

    pooling: Pooling = Pooling.MEAN
    dense: tuple[str, ...] = ()
    """Folders of the Dense modules, in order."""
    normalize: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Every name in the file. An empty text stays: `prompt_name` may name it, and it puts nothing before a text."""
    default_prompt: str | None = None


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


def max_sequence_length(root: Path) -> object:
    """The longest text in tokens, as the Transformer module in `root` has it; None when it does not say."""
    return load_json(_transformer_file(root)).get("max_seq_length")


def embedding_of(folder: Path, modules: tuple[Module, ...]) -> Embedding:
    """How the model in `folder` embeds; Refused for what we lack."""
    if not modules:
        return Embedding()
    _check_modules(folder, modules)
    root = transformer_folder(folder, modules)
    for path in {_transformer_file(folder), _transformer_file(root)}:
        _check_settings(path, SERVED_TRANSFORMER)
    pooling_file = folder / modules[1].path / "config.json"
    prompts, default_prompt = _prompts(folder / MODEL)
    _check_prompts_are_pooled(pooling_file, prompts)
    return Embedding(
        pooling=_pooling(pooling_file),
        dense=_dense(folder, root, modules),
        normalize=modules[-1].kind == "Normalize",
        prompts=prompts,
        default_prompt=default_prompt,
    )


def is_cross_encoder(folder: Path, config: Mapping[str, object]) -> bool:
    """Whether sentence-transformers made the model in `folder`, with this config.json, to score pairs."""
    return bool(_activations(folder, config)) or load_json(folder / MODEL).get("model_type") == "CrossEncoder"


def score_function_of(folder: Path, config: Mapping[str, object]) -> ScoreFunction:
    """What turns a pair's logit into its score (CrossEncoder.get_default_activation_fn); Refused for what we lack."""
    name = next(iter(_activations(folder, config)), "torch.nn.Sigmoid")
    function = SCORE_FUNCTIONS.get(name.rpartition(".")[2])
    if function is None:
        raise Refused(f"{folder} scores pairs by {name}; berth has {', '.join(SCORE_FUNCTIONS)}")
    if load_json(folder / MODEL).get("default_prompt_name"):
        raise Refused(f"{folder / MODEL} sets default_prompt_name, and berth puts no prompt before the texts of a pair")
    return function


def _activations(folder: Path, config: Mapping[str, object]) -> list[str]:
    """What names the activation of a cross-encoder: sentence-transformers 6, then 4 and 5, then those before."""
    newest, newer = load_json(folder / MODEL), config.get("sentence_transformers")
    names = (
        newest.get("activation_fn"),
        newer.get("activation_fn") if isinstance(newer, dict) else None,
        config.get("sbert_ce_default_activation_function"),
    )
    return [name for name in names if isinstance(name, str)]


def _transformer_file(root: Path) -> Path:
    return next((root / name for name in TRANSFORMER if (root / name).is_file()), root / TRANSFORMER[0])


def _check_modules(folder: Path, modules: tuple[Module, ...]) -> None:
    kinds = [module.kind for module in modules]
    unknown = [kind for kind in kinds if kind not in IMPLEMENTED]
    if unknown:
        raise Refused(f"{folder / MODULES} names the module {unknown[0]}; berth has {', '.join(IMPLEMENTED)}")
    between = kinds[2:-1] if kinds[-1] == "Normalize" else kinds[2:]
    if kinds[:2] != ["Transformer", "Pooling"] or not set(between) <= {"Dense"}:
        raise Refused(
            f"{folder / MODULES} is {', '.join(kinds)}; berth has Transformer, Pooling, any number of Dense and "
            "perhaps Normalize"
        )
    if load_json(folder / MODEL).get("truncate_dim") is not None:
        raise Refused(f"{folder / MODEL} sets truncate_dim: take it out, and let requests set `dimensions`")


def _check_settings(path: Path, served: Mapping[str, object]) -> dict[str, object]:
    """The settings in `path`; Refused for one that would make other vectors than ours."""
    settings = load_json(path)
    for name, value in settings.items():
        if value and name not in served:
            raise Refused(f"{path} sets {name} to {value!r}, which berth does not know")
        if value and served[name] not in (ANY, value):
            raise Refused(f"{path} sets {name} to {value!r}; berth serves {served[name]!r} only")
    return settings


def _pooling(path: Path) -> Pooling:
    """The one pooling mode of a Pooling module's config."""
    config = load_json(path)
    flags = [mode for flag, mode in OLD_MODES.items() if config.get(flag, mode == DEFAULT_MODE) is True]
    named = config.get("pooling_mode", flags)
    modes = [named] if isinstance(named, str) else named
    if not isinstance(modes, list) or len(modes) != 1 or modes[0] not in list(Pooling):
        raise Refused(f"{path} pools by {modes}; berth has {', '.join(Pooling)}, one at a time")
    return Pooling(modes[0])


def _dense(folder: Path, root: Path, modules: tuple[Module, ...]) -> tuple[str, ...]:
    names = tuple(module.path for module in modules if module.kind == "Dense")
    if names and root != folder:
        raise Refused(
            f"{folder} keeps its Dense modules beside {root.name}: save it in today's layout with "
            "sentence_transformers.SentenceTransformer(FOLDER).save_pretrained(NEW_FOLDER), and pack that"
        )
    for name in names:
        path = folder / name / "config.json"
        activation = str(_check_settings(path, SERVED_DENSE).get("activation_function"))
        package, _, kind = activation.rpartition(".")
        if kind not in list(Activation) or not f"{package}.".startswith("torch.nn."):
            raise Refused(f"{path}: activation_function is {activation}; berth has {', '.join(Activation)} of torch.nn")
    return names


def _prompts(path: Path) -> tuple[dict[str, str], str | None]:
    """The model's prompts, and the name of the one that a text gets when none is asked for."""
    settings = load_json(path)
    prompts = settings.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise Refused(f"{path}: prompts is {prompts!r}; it maps names to texts")
    default = settings.get("default_prompt_name") or None
    if default is not None and default not in list(prompts):
        raise Refused(f"{path}: default_prompt_name is {default!r}; the prompts are {', '.join(prompts) or 'none'}")
    return {name: text or "" for name, text in prompts.items()}, None if default is None else str(default)


def _check_prompts_are_pooled(path: Path, prompts: Mapping[str, str]) -> None:
    if load_json(path).get("include_prompt") is False and any(prompts.values()):
        raise Refused(
            f"{path} sets include_prompt to false, and the model has prompts: berth pools every token that the model "
            "saw, the prompt's too, so its vectors would differ"
        )
