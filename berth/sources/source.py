"""The address that the user gives -> a local folder, the name that it suggests, and where it came from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..checkpoint_files import HUB_ID
from ..errors import Refused
from ..progress import Progress
from .sample import SAMPLE_NAME, sample_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A checkpoint as it lies on this machine."""

    folder: Path
    name: str
    """The archive's name unless the user gives one."""
    address: str
    """What the user named."""
    revision: str | None = None
    """The commit of the Hub that was fetched; None for other sources."""
    notes: tuple[str, ...] = ()
    """What was chosen for the user, a sentence each: the best checkpoint of a training, for one."""

    @property
    def origin(self) -> dict[str, str]:
        """What an archive keeps of it: nothing of a local one, so that equal folders make equal archives."""
        return {} if self.revision is None else {"source": self.address, "revision": self.revision}


@contextmanager
def opened(address: str | None, progress: Progress) -> Iterator[Source]:
    """The checkpoint at `address`, or the sample model; what was only fetched for it goes with the context.

    Raises Refused with what to do when there is none.
    """
    if address is None:
        yield Source(folder=sample_folder(), name=SAMPLE_NAME, address=SAMPLE_NAME)
    else:
        folder = local_folder(Path(address))
        yield Source(folder=folder, name=folder.resolve().name, address=address)


def local_folder(path: Path) -> Path:
    """`path` when it is a folder; Refused with the way to get one when it is not."""
    if path.is_dir():
        return path
    if path.exists():
        raise Refused(f"{path} is a file: give the folder that holds config.json and model.safetensors")
    advice = "give a folder that holds config.json and model.safetensors"
    if HUB_ID.fullmatch(str(path)):
        advice = f"a model of the Hugging Face Hub is downloaded with: hf download {path} --local-dir {path.name}"
    raise Refused(f"{path} is not a folder, and berth packs local folders; {advice}")
