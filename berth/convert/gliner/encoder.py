"""The encoder of a GLiNER model is taken out of its weights, with the config.json that transformers reads.

What is behind the encoder goes to a folder of its own, in gliner's own names. A folder without a config or a tokenizer
of the encoder, as models were published until 2024, gets those of the model that gliner_config.json names.
"""

import shutil
from pathlib import Path

from handler.spans.settings import HEAD_FOLDER

from ...checkpoint_files import CONFIG, TOKENIZER_FILES, VOCABULARY_FILES, WEIGHTS, is_inside, load_json
from ...errors import Refused
from ...layouts.gliner import GLINER_CONFIG, Config, is_gliner, load_gliner
from ...progress import Progress
from ...sources.source import opened
from ...stored_tensors import stored_tensors
from .split import Tensors, split

ENCODER = "token_rep_layer.bert_layer.model."
HEAD = (
    *(f"span_rep_layer.span_rep_layer.{name}.{layer}" for name in ("project_start", "project_end") for layer in (0, 3)),
    *(f"span_rep_layer.span_rep_layer.out_project.{layer}" for layer in (0, 3)),
    *(f"prompt_rep_layer.{layer}" for layer in (0, 3)),
)


def applies(folder: Path) -> bool:
    """Whether it is a GLiNER model whose encoder lies among its other weights; Refused when it is not served."""
    if not is_gliner(folder) or (folder / HEAD_FOLDER / WEIGHTS).is_file():
        return False
    load_gliner(folder)
    return True


def convert(folder: Path, progress: Progress) -> str:
    """Write the encoder's files in the place of the model's, and what is behind it beside them."""
    progress.begin("taking the encoder out")
    where = split(folder, _read(folder), ENCODER, _config(folder, progress), HEAD_FOLDER)
    return f"the encoder was taken out of the GLiNER model; {where}"


def _read(folder: Path) -> Tensors:
    """Every tensor of the model; Refused where some are missing, or are of another model's layers."""
    if not (folder / WEIGHTS).is_file():
        raise Refused(
            f"{folder} has no {WEIGHTS} and no pytorch_model.bin, which a GLiNER model has: download it again"
        )
    tensors = stored_tensors([folder / WEIGHTS])
    wanted = [f"{layer}.{kind}" for layer in HEAD for kind in ("weight", "bias")]
    missing = [name for name in wanted if name not in tensors]
    if not any(name.startswith(ENCODER) for name in tensors):
        missing = [f"{ENCODER}*"]
    if missing:
        raise Refused(
            f"{folder / WEIGHTS} has no {missing[0]}, which a GLiNER model with these settings has: load it with the "
            "package gliner, save it with save_pretrained, and pack that"
        )
    known = (ENCODER, "token_rep_layer.projection.", "rnn.lstm.", *wanted)
    if others := sorted(name for name in tensors if not name.startswith(known)):
        raise Refused(f"{folder / WEIGHTS} has {others[0]}, which berth has no place for: serve it with gliner")
    return tensors


def _config(folder: Path, progress: Progress) -> Config:
    """The encoder's settings: the model's own, or those of the model that it was made from."""
    own = load_gliner(folder).get("encoder_config")
    has_tokenizer = any((folder / name).is_file() for name in VOCABULARY_FILES)
    if not isinstance(own, dict) or not has_tokenizer:
        (folder / CONFIG).unlink(missing_ok=True)
        _bring(folder, str(load_gliner(folder).get("model_name")), progress, has_tokenizer=has_tokenizer)
    return own if isinstance(own, dict) else load_json(folder / CONFIG)


def _bring(folder: Path, address: str, progress: Progress, *, has_tokenizer: bool) -> None:
    """Put the config, and the tokenizer unless the folder has one, of the model at `address` into the folder."""
    try:
        with opened(address, progress) as base:
            if not load_json(base.folder / CONFIG):
                raise Refused(f"{base.folder} has no {CONFIG}")
            for name in (CONFIG, *(() if has_tokenizer else TOKENIZER_FILES)):
                if (base.folder / name).is_file() and is_inside(base.folder, base.folder / name):
                    shutil.copyfile(base.folder / name, folder / name)
    except Refused as refused:
        raise Refused(
            f"{folder} has no tokenizer, or no encoder_config in {GLINER_CONFIG}, which names {address} as the model "
            f"that has them: {refused}"
        ) from refused
