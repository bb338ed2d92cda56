"""What sentence-transformers' files say: how token vectors become one text vector, and how a pair gets its score.

Whatever these files set is either served as sentence-transformers 6 serves it or refused: nothing is passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handler.config import Activation, Pooling, ScoreFunction

from ..archive.zip_layout import check_name
from ..checkpoint_files import load_any_json, load_json
from ..errors import Refused

MODULES_FILE = "modules.json"
MODEL_FILE = "config_sentence_transformers.json"
# The Transformer module's own settings, the present name first, then older ones (Transformer.load_config).
TRANSFORMER_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
KNOWN_MODULES = ("Transformer", "Pooling", "Dense", "Normalize")
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
ANY_VALUE = object()
# The one value that is served of each setting; one that is absent, null, false or empty changes nothing.
SERVED_TRANSFORMER = {
    "max_seq_length": ANY_VALUE,
    "unpad_inputs": ANY_VALUE,  # speed, not answers
    "do_lower_case": ANY_VALUE,  # _check_lower_case
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}
SERVED_DENSE = {
    "in_features": ANY_VALUE,
    "out_features": ANY_VALUE,
    "bias": ANY_VALUE,
    "activation_function": ANY_VALUE,
    "module_input_name": "sentence_embedding",
    "module_output_name": "sentence_embedding",
}
# What a cross-encoder may do with its one logit, by the name in torch.nn.
SCORE_FUNCTIONS = {"Sigmoid": ScoreFunction.SIGMOID, "Identity": ScoreFunction.NONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One step of a sentence-transformers model."""

    type: str
    """Its class as modules.json spells it: `sentence_transformers.models.Pooling`."""
    path: str
    """Its folder inside the checkpoint; empty for the checkpoint itself."""

    @property
    def kind(self) -> str:
        """The class's name when it is sentence-transformers' own, else the whole type."""
        package, _, name = self.type.rpartition(".")
        return name if package.split(".")[0] == "sentence_transformers" else self.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """How a model embeds; by default a bare encoder: the mean of the tokens and nothing else."""

    pooling: Pooling = Pooling.MEAN
    dense: tuple[str, ...] = ()
    """Folders of the Dense modules, in order."""
    normalize: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Every name in the file. An empty text stays: `prompt_name` may name it, and it puts nothing before a text."""
    default_prompt: str | None = None


def load_modules(checkpoint: Path) -> tuple[Module, ...]:
    """The modules in order; none when sentence-transformers did not make the checkpoint."""
    path = checkpoint / MODULES_FILE
    if not path.is_file():
        return ()
    steps = load_any_json(path)
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Refused(f"{path} does not hold a list of modules")
    modules = tuple(Module(type=str(step.get("type")), path=str(step.get("path", ""))) for step in steps)
    for module in modules:
        if module.path:
            check_name(module.path)
    return modules


def transformer_folder(checkpoint: Path, modules: tuple[Module, ...]) -> Path:
    """Where config.json and the weights lie: old sentence-transformers put them into 0_Transformer."""
    return checkpoint / next((module.path for module in modules if module.kind == "Transformer"), "")


def max_sequence_length(transformer: Path) -> object:
    """The longest text in tokens, as the Transformer module says; None when it does not."""
    return load_json(_transformer_file(transformer)).get("max_seq_length")


def embedding_of(checkpoint: Path, modules: tuple[Module, ...]) -> Embedding:
    """How the checkpoint embeds; Refused for what berth does not support."""
    if not modules:
        return Embedding()
    _check_modules(checkpoint, modules)
    transformer = transformer_folder(checkpoint, modules)
    for path in {_transformer_file(checkpoint), _transformer_file(transformer)}:
        _check_lower_case(path, _check_settings(path, SERVED_TRANSFORMER), transformer)
    pooling_file = checkpoint / modules[1].path / "config.json"
    prompts, default_prompt = _prompts(checkpoint / MODEL_FILE)
    _check_prompts_are_pooled(pooling_file, prompts)
    return Embedding(
        pooling=_pooling(pooling_file),
        dense=_dense(checkpoint, transformer, modules),
        normalize=modules[-1].kind == "Normalize",
        prompts=prompts,
        default_prompt=default_prompt,
    )


def is_cross_encoder(checkpoint: Path, config: Mapping[str, object]) -> bool:
    """Whether sentence-transformers made the checkpoint, which has this config.json, to score pairs."""
    is_marked = load_json(checkpoint / MODEL_FILE).get("model_type") == "CrossEncoder"
    return is_marked or bool(_activations(checkpoint, config))


def score_function_of(checkpoint: Path, config: Mapping[str, object]) -> ScoreFunction:
    """What turns a pair's logit into its score (CrossEncoder.get_default_activation_fn); Refused for an unknown one."""
    name = next(iter(_activations(checkpoint, config)), "torch.nn.Sigmoid")
    function = SCORE_FUNCTIONS.get(name.rpartition(".")[2])
    if function is None:
        raise Refused(f"{checkpoint} scores pairs by {name}; berth supports {', '.join(SCORE_FUNCTIONS)}")
    if load_json(checkpoint / MODEL_FILE).get("default_prompt_name"):
        raise Refused(
            f"{checkpoint / MODEL_FILE} sets default_prompt_name, and berth puts no prompt before the texts of a pair"
        )
    return function


def _activations(checkpoint: Path, config: Mapping[str, object]) -> list[str]:
    """The names of a cross-encoder's activation, as sentence-transformers 6 writes it, 4 and 5, and those before."""
    newest, newer = load_json(checkpoint / MODEL_FILE), config.get("sentence_transformers")
    names = (
        newest.get("activation_fn"),
        newer.get("activation_fn") if isinstance(newer, dict) else None,
        config.get("sbert_ce_default_activation_function"),
    )
    return [name for name in names if isinstance(name, str)]


def _transformer_file(transformer: Path) -> Path:
    """The Transformer module's own settings: the file that is there, else where it would lie."""
    files = [transformer / name for name in TRANSFORMER_FILES]
    return next((file for file in files if file.is_file()), files[0])


def _check_modules(checkpoint: Path, modules: tuple[Module, ...]) -> None:
    """Refused unless the modules are of our kinds and in our order."""
    kinds = [module.kind for module in modules]
    unknown = [kind for kind in kinds if kind not in KNOWN_MODULES]
    if unknown:
        raise Refused(
            f"{checkpoint / MODULES_FILE} names the module {unknown[0]}; berth supports {', '.join(KNOWN_MODULES)}"
        )
    between = kinds[2:-1] if kinds[-1] == "Normalize" else kinds[2:]
    if kinds[:2] != ["Transformer", "Pooling"] or not set(between) <= {"Dense"}:
        raise Refused(
            f"{checkpoint / MODULES_FILE} is {', '.join(kinds)}; berth supports Transformer, Pooling, any number of "
            "Dense and perhaps Normalize, in this order"
        )
    if load_json(checkpoint / MODEL_FILE).get("truncate_dim") is not None:
        raise Refused(f"{checkpoint / MODEL_FILE} sets truncate_dim: take it out, and let requests set `dimensions`")


def _check_settings(path: Path, served: Mapping[str, object]) -> dict[str, object]:
    """The settings in `path`; Refused for one that would make other vectors than ours."""
    settings = load_json(path)
    for name, value in settings.items():
        if value and name not in served:
            raise Refused(f"{path} sets {name} to {value!r}, which berth does not know")
        if value and served[name] not in (ANY_VALUE, value):
            raise Refused(f"{path} sets {name} to {value!r}; berth serves {served[name]!r} only")
    return settings


def _check_lower_case(path: Path, settings: Mapping[str, object], transformer: Path) -> None:
    """Refuse do_lower_case where it changes a text: sentence-transformers lowers it before the tokenizer does."""
    if settings.get("do_lower_case") and not _lowers(transformer):
        raise Refused(
            f"{path} sets do_lower_case, and the tokenizer does not lower: put Lowercase() first among the normalizers "
            "of its backend_tokenizer, save it, and take do_lower_case out"
        )


def _lowers(transformer: Path) -> bool:
    """Whether the tokenizer lowers every text by itself, as BERT's uncased ones do."""
    tokenizer = load_json(transformer / "tokenizer.json")
    if not tokenizer:
        return load_json(transformer / "tokenizer_config.json").get("do_lower_case") is True
    return _is_lowering(tokenizer.get("normalizer"))


def _is_lowering(normalizer: object) -> bool:
    match normalizer:
        case {"type": "Lowercase"} | {"type": "BertNormalizer", "lowercase": True}:
            return True
        case {"type": "Sequence", "normalizers": list(steps)}:
            return any(map(_is_lowering, steps))
        case _:
            return False


def _pooling(path: Path) -> Pooling:
    """The one pooling mode of a Pooling module's config."""
    config = load_json(path)
    flags = [mode for flag, mode in OLD_MODES.items() if config.get(flag, mode == DEFAULT_MODE) is True]
    named = config.get("pooling_mode", flags)
    modes = [named] if isinstance(named, str) else named
    if not isinstance(modes, list) or len(modes) != 1 or modes[0] not in list(Pooling):
        raise Refused(f"{path} pools by {modes}; berth supports {', '.join(Pooling)}, one at a time")
    return Pooling(modes[0])


def _dense(checkpoint: Path, transformer: Path, modules: tuple[Module, ...]) -> tuple[str, ...]:
    """The folders of the Dense modules; Refused where they would not travel, or compute what we do not."""
    names = tuple(module.path for module in modules if module.kind == "Dense")
    if names and transformer != checkpoint:
        raise Refused(
            f"{checkpoint} keeps its Dense modules beside {transformer.name}: save it in today's layout with "
            "sentence_transformers.SentenceTransformer(FOLDER).save_pretrained(NEW_FOLDER), and pack that"
        )
    for name in names:
        path = checkpoint / name / "config.json"
        activation = str(_check_settings(path, SERVED_DENSE).get("activation_function"))
        package, _, kind = activation.rpartition(".")
        if kind not in list(Activation) or not f"{package}.".startswith("torch.nn."):
            raise Refused(
                f"{path}: activation_function is {activation}; berth supports {', '.join(Activation)} of torch.nn"
            )
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
    """Refused when the tokens of a prompt are to be left out of the pooling."""
    if load_json(path).get("include_prompt") is False and any(prompts.values()):
        raise Refused(
            f"{path} sets include_prompt to false, and the model has prompts: berth pools every token that the model "
            "saw, the prompt's too, so its vectors would differ"
        )
