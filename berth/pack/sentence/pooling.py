"""1_Pooling/config.json: how token vectors are pooled, one way or several whose vectors are joined."""

from collections.abc import Mapping
from pathlib import Path

from handler.config import Pooling

from ...errors import Refused
from .settings import ANY_VALUE, check_settings

# The flags from before `pooling_mode` was a name, in the order in which their vectors are joined.
FLAGS = {
    "pooling_mode_cls_token": Pooling.CLS,
    "pooling_mode_max_tokens": Pooling.MAX,
    "pooling_mode_mean_tokens": Pooling.MEAN,
    "pooling_mode_mean_sqrt_len_tokens": Pooling.MEAN_SQRT_LEN,
    "pooling_mode_weightedmean_tokens": Pooling.WEIGHTED_MEAN,
    "pooling_mode_lasttoken": Pooling.LAST,
}
SETTINGS = dict.fromkeys(
    (*FLAGS, "pooling_mode", "include_prompt", "embedding_dimension", "word_embedding_dimension"), ANY_VALUE
)


def poolings_of(path: Path, prompts: Mapping[str, str]) -> tuple[Pooling, ...]:
    """The poolings in order; Refused for an unknown one, without any settings, and when prompts are to be left out."""
    config = check_settings(path, SETTINGS)
    if not config:
        raise Refused(
            f"{path} is missing or says nothing, and without it nobody knows how the model makes one vector of a text: "
            "download the checkpoint again, with its folders"
        )
    if config.get("include_prompt") is False and any(prompts.values()):
        raise Refused(
            f"{path} sets include_prompt to false, and the model has prompts: berth pools every token that the model "
            "saw, the prompt's too, so its vectors would differ: serve this model with sentence-transformers"
        )
    flags = [pooling for flag, pooling in FLAGS.items() if config.get(flag)] or [Pooling.MEAN]
    named = config.get("pooling_mode", flags)
    modes = [named] if isinstance(named, str) else named
    if not isinstance(modes, list) or not modes or not all(mode in list(Pooling) for mode in modes):
        raise Refused(f"{path} pools by {modes}; berth knows {', '.join(Pooling)}: download the checkpoint again")
    return tuple(Pooling(mode) for mode in modes)
