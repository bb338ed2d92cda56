"""Cross-encoders of every version of sentence-transformers: how they are told, and how a pair's logit is scored."""

from collections.abc import Mapping
from pathlib import Path

from handler.config import ScoreFunction

from ...checkpoint_files import load_json
from ...errors import Refused
from ...layouts.sentence import MODEL_FILE, Module, transformer_folder
from .transformer import SCORES, check_transformer

# What a cross-encoder may do with its one logit, by the name in torch.nn.
SCORE_FUNCTIONS = {"Sigmoid": ScoreFunction.SIGMOID, "Identity": ScoreFunction.NONE}


def is_cross_encoder(checkpoint: Path, config: Mapping[str, object]) -> bool:
    """Whether sentence-transformers made the checkpoint, which has this config.json, to score pairs."""
    is_marked = load_json(checkpoint / MODEL_FILE).get("model_type") == "CrossEncoder"
    return is_marked or bool(_activations(checkpoint, config))


def score_function_of(checkpoint: Path, modules: tuple[Module, ...], config: Mapping[str, object]) -> ScoreFunction:
    """What turns a pair's logit into its score (CrossEncoder.get_default_activation_fn); Refused for an unknown one."""
    if is_cross_encoder(checkpoint, config) and modules:
        check_transformer(transformer_folder(checkpoint, modules), SCORES)
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
