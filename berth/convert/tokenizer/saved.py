"""A tokenizer's files: loaded as the worker loads them, and replaced in a copy."""

import json
from pathlib import Path
from typing import Any

from ...errors import Refused

AS_IT_STANDS = "TokenizersBackend"
"""transformers' class that takes tokenizer.json as it is, where others make parts of it anew."""


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer as the worker loads it; Refused where transformers cannot."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - seconds

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a checkpoint can make the library raise anything
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise Refused(f"transformers cannot load the tokenizer in {folder}: {words}") from error


def replace_json(path: Path, value: object) -> None:
    """Another file in the place of this one, which may be a link to the user's own."""
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
