"""What TEI's requests say of texts that are too long, and the words for it in errors."""

from typing import Literal

import msgspec

WORDS = {'"truncation": true': '"truncate": true'}
HINTS = {
    "truncation_direction": "a text is cut where the model's own tokenizer cuts it, at its end for most: send Right, "
    "or leave truncation_direction out"
}


class Truncating(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request may say."""

    truncate: bool | None = None
    """false: a text that is too long is an error. Absent, or true: it is cut."""
    truncation_direction: Literal["Right", "right"] = "Right"
    """Texts are cut where the model's own tokenizer cuts them."""

    def cut(self) -> dict[str, bool]:
        """Return the native parameter, if there is any."""
        return {} if self.truncate is None else {"truncation": self.truncate}
