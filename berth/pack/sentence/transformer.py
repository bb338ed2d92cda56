"""The settings of sentence-transformers' Transformer module: the longest text, and what else it may be told."""

from collections.abc import Mapping
from pathlib import Path

from ...checkpoint_files import TOKENIZER, load_json
from ...convert.lower_case import lowers_by_itself
from ...errors import Refused
from ...layouts.sentence import transformer_file
from .settings import ANY_VALUE, check_settings

# What the model, its config and its tokenizer may be told: places and speed, not answers. Half precision changes
# answers by its own rounding only, and the archive's is chosen when it is packed.
FOR_MODEL = frozenset(
    {
        *("add_pooling_layer", "attn_implementation", "device_map", "dtype", "low_cpu_mem_usage", "torch_dtype"),
        *(
            "trust_remote_code",
            "use_safetensors",
        ),  # sentence-transformers leaves the first out (Transformer.load_config)
    }
)
FOR_CONFIG = frozenset({"attn_implementation", "dtype", "torch_dtype", "trust_remote_code", "use_cache"})
FOR_TOKENIZER = frozenset({"clean_up_tokenization_spaces", "model_max_length", "trust_remote_code", "use_fast"})
# As saved by 2.x to 5.3 (model_args and so on) and since.
COMMON = {
    "max_seq_length": ANY_VALUE,
    "unpad_inputs": ANY_VALUE,  # speed, not answers
    "do_lower_case": ANY_VALUE,  # _check_lower_case
    "model_args": FOR_MODEL,
    "model_kwargs": FOR_MODEL,
    "config_args": FOR_CONFIG,
    "config_kwargs": FOR_CONFIG,
    "tokenizer_args": FOR_TOKENIZER,
    "processor_kwargs": FOR_TOKENIZER,
}
EMBEDS = {
    **COMMON,
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}
FILLS = {
    **COMMON,
    "transformer_task": "fill-mask",
    "modality_config": {"text": {"method": "forward", "method_output_name": "logits"}},
    "module_output_name": "token_embeddings",
}
SCORES = {
    **COMMON,
    "transformer_task": "sequence-classification",
    "modality_config": {"text": {"method": "forward", "method_output_name": "logits"}},
    "module_output_name": "scores",
}


def max_sequence_length(transformer: Path) -> int | None:
    """The longest text in tokens, as the Transformer module says; None when it does not."""
    settings = load_json(transformer_file(transformer))
    told = (settings.get("tokenizer_args"), settings.get("processor_kwargs"))
    lengths = (
        *(each.get("model_max_length") for each in told if isinstance(each, dict)),
        settings.get("max_seq_length"),
    )
    return next((length for length in lengths if isinstance(length, int) and length > 0), None)


def check_transformer(transformer: Path, served: Mapping[str, object]) -> None:
    """Refused for a setting that would make other answers than ours."""
    path = transformer_file(transformer)
    if check_settings(path, served).get("do_lower_case") and not lowers_by_itself(transformer):
        raise Refused(
            f"{path} sets do_lower_case, and there is no {TOKENIZER} to put it into: save the tokenizer with "
            "transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
        )
