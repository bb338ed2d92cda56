"""The address that the user gives -> a local folder, the name that it suggests, and where it came from."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from ..archive.foreign import is_own
from ..endpoint import without_credentials
from ..errors import Refused
from ..progress import Progress, ignore
from .hub_id import parse_hub_id
from .local import local_source
from .origin import Look, Source
from .sample import SAMPLE_NAME, sample_folder
from .unpacked import ARCHIVE_NAME, unpacked

__all__ = ["Source", "opened"]

SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*(://|::)")
ONE_SLASH = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/(?P<rest>[^/].*)")
WEB_PAGE = re.compile(r"https?://(?:huggingface\.co|hf\.co)/(?P<id>[\w.-]+/[\w.-]+)")
PATH = re.compile(r"[./~].*|.*/.*/.*|.*\.(mar|zip|tar|tgz|tar\.\w+)", re.IGNORECASE | re.DOTALL)
PACKED = ".mar"
HUB_SCHEME = "hf://"
ADDRESSES = (
    "an address is a local folder, a .zip or .tar.gz of one, a model of the Hugging Face Hub (org/name or "
    "org/name@revision), or a folder at gs://, s3:// or another scheme that fsspec knows"
)


@contextmanager
def opened(address: str | None, progress: Progress, look: Look = ignore) -> Iterator[Source]:
    """The checkpoint at `address`, or the sample model; what was only fetched for it goes with the context.

    `look` sees a folder that is fetched before its weights are. Raises Refused with what to do when there is none.
    """
    with ExitStack() as stack:
        try:
            source = stack.enter_context(_find(address, progress, look))
        except OSError as error:
            shown = without_credentials(str(address))
            raise Refused(f"{shown} cannot be read: {error}; check its path, its permissions and the disk") from error
        yield source


def _find(address: str | None, progress: Progress, look: Look) -> AbstractContextManager[Source]:
    """What an address is: what is on this machine first, then what says its scheme, then the Hub."""
    if address is None:
        return nullcontext(Source(folder=sample_folder(), name=SAMPLE_NAME, address=SAMPLE_NAME))
    path = Path(address)
    if address and path.is_dir():
        return nullcontext(local_source(path, address))
    if address and path.exists():
        return _find_file(path, address, progress)
    hub_id = address.removeprefix(HUB_SCHEME)
    if SCHEME.match(hub_id):
        return _find_remote(address, progress, look)
    model = None if PATH.fullmatch(hub_id.partition("@")[0]) else parse_hub_id(hub_id)
    if model is None:
        raise Refused(_advice(address))
    from .hub import fetched  # noqa: PLC0415 - a local folder needs no HTTP client

    return nullcontext(fetched(model, progress, look))


def _find_file(path: Path, address: str, progress: Progress) -> AbstractContextManager[Source]:
    """A file is an archive of a folder, or the user named one of a folder's files."""
    if path.suffix == PACKED and is_own(path):
        raise Refused(f"{path} is an archive that is already packed: serve it with `berth serve {path}`")
    if ARCHIVE_NAME.fullmatch(path.name):
        return unpacked(path, address, progress)
    raise Refused(f"{path} is a file: give the folder that holds config.json and model.safetensors")


def _find_remote(address: str, progress: Progress, look: Look) -> AbstractContextManager[Source]:
    page = WEB_PAGE.match(address)
    if page:
        raise Refused(f"{address} is a page of the Hub: give the model's name, {page['id']}")
    from .remote import remote  # noqa: PLC0415 - a local folder needs none of it

    return remote(address, progress, look)


def _advice(address: str) -> str:
    """The sentence for an address that leads nowhere."""
    one_slash = ONE_SLASH.fullmatch(address)
    if one_slash:
        return (
            f"{address} has lost a slash: give {one_slash['scheme']}://{one_slash['rest']}, as text and not as a Path"
        )
    if PATH.fullmatch(address):
        return f"{address} is not there: check the path; {ADDRESSES}"
    return f"{address!r} names no checkpoint: {ADDRESSES}"
