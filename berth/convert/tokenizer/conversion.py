"""vocab.txt, vocab.json with merges.txt, or a sentencepiece model -> tokenizer.json, as the worker needs it.

The worker then needs neither sentencepiece nor a tokenizer's own Python. `applies` looks at names and JSON alone.
"""

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...checkpoint_files import CONFIG, TOKENIZER, check_whole, load_json
from ...errors import Refused
from ...progress import Progress
from ..folders import transformer_of
from .kinds import VOCABULARIES, check_servable, tokenizer_class

REPLACED = ("added_tokens.json", "special_tokens_map.json")  # tokenizer.json has what they say


def needs_tokenizer(folder: Path) -> bool:
    """Whether the checkpoint has a vocabulary and no tokenizer.json; Refused when it cannot be made one."""
    return _needs(transformer_of(folder))


def make_tokenizers(folder: Path, progress: Progress) -> str:
    """Write tokenizer.json in the place of the vocabulary, and say from what; Refused when it reads texts otherwise."""
    progress.begin("converting the tokenizer")
    return _convert(transformer_of(folder))


def _needs(root: Path) -> bool:
    if (root / TOKENIZER).exists():
        return False
    config = load_json(root / CONFIG)
    check_servable(root, config)
    files = VOCABULARIES.get(tokenizer_class(root, config), ())
    if not files or not all((root / file).is_file() for file in files):
        return False  # check_tokenizer says what is missing
    for file in files:
        _check_readable(root / file)
    return True


def _check_readable(path: Path) -> None:
    """Refuse a vocabulary that is damaged, or that needs a package which is not installed."""
    check_whole(path)
    if path.suffix == ".model" and importlib.util.find_spec("sentencepiece") is None:
        raise Refused(
            f"{path} is read by the package sentencepiece, which is not installed here (the server does not need it): "
            "run `pip install sentencepiece`, then pack again"
        )


def _convert(root: Path) -> str:
    """Make the tokenizer, load what was saved as the worker will, compare, and only then replace the files."""
    name = tokenizer_class(root, load_json(root / CONFIG))
    files = VOCABULARIES[name]
    with tempfile.TemporaryDirectory(prefix="berth-tokenizer-") as work, _refusing(root / files[0]):
        from .make import save_compared  # noqa: PLC0415 - it imports transformers

        num_lines = save_compared(root, name, Path(work))
        for file in (*files, *REPLACED):
            (root / file).unlink(missing_ok=True)
        for made in Path(work).iterdir():
            (root / made.name).unlink(missing_ok=True)  # perhaps a hard link to the user's own
            shutil.copyfile(made, root / made.name)
    return (
        f"tokenizer.json was made from {' and '.join(files)}, and gives the ids of the original {name} on "
        f"{num_lines:,} lines."
    )


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn whatever the libraries raise into one sentence with their words."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        words = " ".join(str(error).split())
        raise Refused(
            f"no tokenizer can be made from {path}: {type(error).__name__}: {words}; download the checkpoint again, or "
            "save its tokenizer by save_pretrained, so that there is a tokenizer.json"
        ) from error
