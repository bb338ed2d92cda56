"""SpladePooling: how a masked-language model's logits become a sparse vector."""

from collections.abc import Mapping
from pathlib import Path

from handler.config import MAX_TOKENS_PER_REQUEST
from handler.vectors.settings import Vectors, WordPooling

from ...checkpoint_files import QUERY_TABLE, TOKENIZER_CONFIG, load_json
from ...errors import Refused
from ...layouts.sentence import MODULES_FILE, Module
from ..check.foreign import architecture_of
from .model_file import max_active_dims_of
from .settings import ANY_VALUE, check_settings

IDF = "idf.json"
ACTIVATIONS = {"relu": False, "log1p_relu": True}
SETTINGS = dict.fromkeys(
    (
        *("pooling_strategy", "activation_function"),
        *("embedding_dimension", "word_embedding_dimension", "chunk_size"),  # they change no answer
    ),
    ANY_VALUE,
)


def splade_of(checkpoint: Path, pooling: Module) -> Vectors:
    """What its config.json says; Refused for a pooling or activation that sentence-transformers does not know."""
    path = checkpoint / pooling.path / "config.json"
    settings = check_settings(path, SETTINGS)
    strategy = settings.get("pooling_strategy", "max")
    activation = settings.get("activation_function", "relu")
    if strategy not in list(WordPooling) or activation not in ACTIVATIONS:
        raise Refused(
            f"{path} pools words by {strategy} of {activation}; berth serves {' and '.join(WordPooling)} of "
            f"{' and '.join(ACTIVATIONS)}: download the checkpoint again"
        )
    has_table = (checkpoint / QUERY_TABLE).is_dir()
    return Vectors(
        words=WordPooling(str(strategy)),
        is_log_twice=ACTIVATIONS[str(activation)],
        max_active_dims=max_active_dims_of(checkpoint),
        query_table=QUERY_TABLE if has_table else None,
        query_tokens=_query_tokens(checkpoint / QUERY_TABLE) if has_table else 0,
    )


def _query_tokens(table: Path) -> int:
    """As many as the table's tokenizer leaves of a text; where it says nothing, all."""
    told = load_json(table / TOKENIZER_CONFIG).get("model_max_length")
    return min(told, MAX_TOKENS_PER_REQUEST) if isinstance(told, int) and told > 0 else MAX_TOKENS_PER_REQUEST


def refuse_bare_table(checkpoint: Path, modules: tuple[Module, ...], config: Mapping[str, object]) -> None:
    """Refuse OpenSearch's first form: the weights of queries, and nothing that says how a document is pooled."""
    if not modules and (checkpoint / IDF).is_file() and architecture_of(config).endswith("ForMaskedLM"):
        raise Refused(
            f"{checkpoint / IDF} has weights of a query's words, and without {MODULES_FILE} nothing says how a "
            "document's are made: download the newest revision of the model, which has that file, or choose "
            "--task fill-mask"
        )
