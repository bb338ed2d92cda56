"""A GLiNER model's own tokens are put into the tokenizer of the model that it was made from."""

from pathlib import Path

from ...checkpoint_files import TOKENIZER, load_json
from ...errors import Refused
from ...layouts.gliner import GLINER_CONFIG, is_gliner, span_settings
from ...progress import Progress

FIRST = "[FLERT]"  # gliner 0.2.29, _get_special_tokens: before the two that are read


def applies(folder: Path) -> bool:
    """Whether a GLiNER model's tokenizer lacks the token that stands before each type."""
    return (
        is_gliner(folder) and (folder / TOKENIZER).is_file() and span_settings(folder).type_token not in _added(folder)
    )


def convert(folder: Path, _progress: Progress) -> str:
    """Add the tokens behind all others; Refused where the settings number them otherwise."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - files alone refuse most of what is refused

    settings = span_settings(folder)
    backend = Tokenizer.from_file(str(folder / TOKENIZER))
    backend.add_special_tokens([FIRST, settings.type_token, settings.text_token])
    told, found = (
        load_json(folder / GLINER_CONFIG).get("class_token_index", -1),
        backend.token_to_id(settings.type_token),
    )
    if told not in (-1, found):
        raise Refused(
            f"{folder / GLINER_CONFIG}: class_token_index is {told}, and {settings.type_token} would be {found} in the "
            "tokenizer that is there: save both again with gliner's save_pretrained"
        )
    (folder / TOKENIZER).unlink()  # the file may be a link to the user's own
    backend.save(str(folder / TOKENIZER))
    return f"the tokenizer got {settings.type_token} and {settings.text_token}, as gliner adds them"


def _added(folder: Path) -> set[str]:
    added = load_json(folder / TOKENIZER).get("added_tokens")
    return {str(each.get("content")) for each in added if isinstance(each, dict)} if isinstance(added, list) else set()
