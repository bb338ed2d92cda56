"""A checkpoint whose weights are there only in another form is refused, with the way to one that is taken."""

from pathlib import Path

from ..checkpoint_files import WEIGHTS, WEIGHTS_INDEX
from ..errors import Refused
from ..layouts.forms import FORMS, find_form
from .folders import ADAPTER_CONFIG, has_weights, module_folders


def check_form(folder: Path) -> None:
    """Refuse a checkpoint whose weights are there only in another form."""
    places = module_folders(folder)
    if any(has_weights(place) for place in places) or (folder / ADAPTER_CONFIG).is_file():
        return
    for place in places:
        if found := find_form(_names(place)):
            raise Refused(
                f"{folder} has neither {WEIGHTS} nor {WEIGHTS_INDEX} nor pytorch_model.bin, only {found.form.name} "
                f"({(place / found.name).relative_to(folder)}): {found.way(str(place))}"
            )


def _names(place: Path) -> set[str]:
    """The files and folders in `place` that are of any form by their names."""
    patterns = (pattern for form in FORMS for pattern in form.patterns)
    return {path.relative_to(place).as_posix() for pattern in patterns for path in place.glob(pattern)}
