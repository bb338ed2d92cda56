"""What TorchServe is given in the place of a model: a link to its folder, or to all in it but its settings."""

from pathlib import Path

from ..archive.content import MODEL_CONFIG
from ..archive.served_model import ServedModel
from ..memory.split import Split


def link_model(model: ServedModel, link: Path, split: Split | None) -> None:
    """Link to a verified folder; with a `split`, settings with its token budget take the place of the folder's own.

    The folder itself stays as it was verified, for it may be served elsewhere.
    """
    if split is None:
        link.symlink_to(model.folder)
        return
    link.mkdir()
    for member in model.folder.iterdir():
        if member.name != MODEL_CONFIG:
            (link / member.name).symlink_to(member)
    (link / MODEL_CONFIG).write_text(_with_budget(model.folder / MODEL_CONFIG, split.token_budget), encoding="utf-8")


def _with_budget(file: Path, token_budget: int) -> str:
    import yaml  # noqa: PLC0415 - only where something was tuned

    settings = yaml.safe_load(file.read_text("utf-8"))
    settings["handler"]["token_budget"] = token_budget
    return str(yaml.safe_dump(settings, sort_keys=False))
