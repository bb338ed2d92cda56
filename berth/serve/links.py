"""What TorchServe is given in the place of a model: a link to its folder, or to all in it but its settings."""

from pathlib import Path
from typing import Any

from ..archive.content import MODEL_CONFIG
from ..archive.served_model import ServedModel
from ..memory.split import Split


def link_model(model: ServedModel, link: Path, split: Split | None, workers: int | None = None) -> None:
    """Link to a verified folder; with a `split` or a number of `workers`, other settings take the place of its own.

    `split`: its token budget is the handler's; `workers`: so many are started, instead of TorchServe's default. The
    folder itself stays as it was verified, for it may be served elsewhere.
    """
    if split is None and workers is None:
        link.symlink_to(model.folder)
        return
    link.mkdir()
    for member in model.folder.iterdir():
        if member.name != MODEL_CONFIG:
            (link / member.name).symlink_to(member)
    (link / MODEL_CONFIG).write_text(_changed(model.folder / MODEL_CONFIG, split, workers), encoding="utf-8")


def _changed(file: Path, split: Split | None, workers: int | None) -> str:
    import yaml  # noqa: PLC0415 - only where something was tuned or scaled

    settings: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    if split:
        settings["handler"]["token_budget"] = split.token_budget
    if workers:
        settings |= {"minWorkers": workers, "maxWorkers": workers}  # TorchServe heeds both together
    return str(yaml.safe_dump(settings, sort_keys=False))
