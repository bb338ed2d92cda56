"""Static embeddings become one form: a table of a row for each token, its tokenizer, and a config.json of our own.

model2vec's `weights` and `mapping` are worked into the table, so that a token's row is what its mean is made of.
"""

from pathlib import Path
from typing import Any

from handler.config import MAX_TOKENS_PER_REQUEST
from handler.vectors.static import STATIC, TABLE, UNKNOWN

from ...checkpoint_files import CONFIG, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS, load_json
from ...errors import Refused
from ...layouts.sentence import MODULES_FILE, load_modules
from ...progress import Progress
from ...safetensors_header import read_header
from ..tokenizer.saved import AS_IT_STANDS, replace_json

MODULE = "StaticEmbedding"
MODEL2VECS = "embeddings"
"""What model2vec calls the table."""
MODEL2VECS_TOKENS = 512
"""So many of a text it reads, where its config.json says nothing (its 0.10)."""
MATRIX = 2
OWN = "sentence_transformers.models"


def applies(folder: Path) -> bool:
    """Whether model2vec or sentence-transformers has saved static embeddings there."""
    root = _root(folder)
    return root is not None and load_json(folder / CONFIG).get("model_type") != STATIC


def _root(folder: Path) -> Path | None:
    """Where the table lies; None in a folder of another model."""
    modules = load_modules(folder)
    if modules:
        return folder / modules[0].path if modules[0].kind == MODULE else None
    return folder if load_json(folder / CONFIG).get("model_type") == "model2vec" or _names(folder) else None


def _names(root: Path) -> set[str]:
    """The tensors of model2vec, by name; none where another library has saved the weights."""
    if not (root / WEIGHTS).is_file():
        return set()
    with (root / WEIGHTS).open("rb") as file:
        names = set(read_header(file, str(root / WEIGHTS)))
    return names if MODEL2VECS in names else set()


def convert(folder: Path, progress: Progress) -> str:
    """Write the table, its tokenizer and settings into `folder`; Refused where a file is missing, or no such table."""
    progress.begin("converting the weights")
    root = _root(folder)
    assert root is not None
    for name in (WEIGHTS, TOKENIZER):
        if not (root / name).is_file():
            raise Refused(f"{root} has no {name}, without which static embeddings are nothing: download it again")
    is_model2vecs, config = bool(_names(root)), load_json(folder / CONFIG)
    rows, width = _write_table(root / WEIGHTS, folder / WEIGHTS)
    tokenizer = load_json(root / TOKENIZER)
    unknown = _unknown(tokenizer) if is_model2vecs else None
    _write_tokenizer(folder, tokenizer, config.get("max_length", MODEL2VECS_TOKENS) if is_model2vecs else None)
    shape = {"vocab_size": rows, "hidden_size": width, "num_hidden_layers": 0, UNKNOWN: unknown}
    replace_json(folder / CONFIG, {"model_type": STATIC, "architectures": [MODULE], **shape})
    replace_json(folder / MODULES_FILE, _modules(folder, config))
    kept = ", without the unknown ones" if unknown is not None else ""
    return f"static embeddings: a text's vector is the mean of its tokens' rows{kept}; there is no transformer"


def _write_table(source: Path, target: Path) -> tuple[int, int]:
    """The table [tokens, width] as sentence-transformers calls it; returns its sizes."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - seconds

    tensors = load_file(source)
    table: Any = tensors.get(TABLE, tensors.get(MODEL2VECS))
    if table is None or table.ndim != MATRIX:
        raise Refused(f"{source} holds no table of embeddings, but {', '.join(tensors)}: download it again")
    table = table if table.is_floating_point() else table.float()
    if (mapping := tensors.get("mapping")) is not None:
        table = table[mapping.long()]
    if (weights := tensors.get("weights")) is not None:
        table = table.float() * weights.float()[:, None]
    target.unlink(missing_ok=True)  # the file may be a link to the user's own
    save_file({TABLE: table.contiguous()}, target)
    rows, width = table.shape
    return rows, width


def _unknown(tokenizer: dict[str, Any]) -> int | None:
    """The id of the unknown token, which model2vec leaves out; None where the tokenizer has none."""
    model = tokenizer["model"]
    number: int | None = model.get("unk_id")  # a Unigram's
    if (token := model.get("unk_token")) is not None:
        added = {each["content"]: each["id"] for each in tokenizer.get("added_tokens") or ()}
        number = {**model["vocab"], **added}.get(token)
    return number


def _write_tokenizer(folder: Path, tokenizer: dict[str, Any], max_tokens: object) -> None:
    """tokenizer.json without special tokens around a text, which static embeddings do not read.

    `max_tokens`: of a text. None: as many as the tokenizer's own cutting leaves, else all.
    """
    cut = tokenizer.get("truncation") or {}
    most = max_tokens or cut.get("max_length") or MAX_TOKENS_PER_REQUEST
    replace_json(folder / TOKENIZER, {**tokenizer, "truncation": None, "padding": None, "post_processor": None})
    settings = {
        "tokenizer_class": AS_IT_STANDS,
        "model_max_length": min(int(str(most)), MAX_TOKENS_PER_REQUEST),
        "truncation_side": str(cut.get("direction", "Right")).lower(),
        "unk_token": tokenizer["model"].get("unk_token"),
    }
    replace_json(folder / TOKENIZER_CONFIG, {name: value for name, value in settings.items() if value})


def _modules(folder: Path, config: dict[str, object]) -> list[dict[str, object]]:
    """modules.json with the table in the folder itself; model2vec's own where it wrote none."""
    behind = [(each.type, each.path) for each in load_modules(folder)[1:]]
    if not (folder / MODULES_FILE).is_file() and config.get("normalize"):
        behind = [(f"{OWN}.Normalize", "1_Normalize")]
    steps = enumerate([(f"{OWN}.{MODULE}", ""), *behind])
    return [{"idx": number, "name": str(number), "path": path, "type": kind} for number, (kind, path) in steps]
