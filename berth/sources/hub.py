"""A model of the Hugging Face Hub -> its folder in the Hub's cache: one commit, and only the files that are needed.

huggingface_hub does the work, and reads HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and HF_HOME. What it does not do is done
here: to choose the files, to compare each with the digest that the Hub names, and to go on when a connection is reset.
"""

import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import FileMetadataError, HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.hf_api import RepoSibling

from ..errors import Refused
from ..progress import Counted, Progress
from .digest import has_digest, is_digest
from .hub_errors import explained
from .hub_id import HubId
from .needed import is_weights, needed_files
from .origin import Look, Source
from .quiet import quiet
from .room import MB, require_room

ATTEMPTS = 5  # at a file whose connection is reset; huggingface_hub resumes after all other breaks
PAUSE_S = 1.0
ELSEWHERE = "set HF_HOME to a folder on another disk"
HEX_OF_A_COMMIT = 8  # as many as people read


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the commit as it is listed."""

    size: int
    digest: str | None
    """What the Hub names; None when nothing does: it was not asked, and the cache keeps no digests as names."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a commit holds."""

    files: dict[str, _File]
    where: str
    notes: tuple[str, ...] = ()


def fetched(model: HubId, progress: Progress, look: Look) -> Source:
    """The model's folder, complete and verified; Refused, with what to do, when it cannot be had, or by `look`."""
    with quiet():
        with explained(model):
            progress.begin(f"asking the Hub for {model}")
            api = HfApi(library_name="berth")
            commit = api.resolve_revision(model.repository, revision=model.revision).resolved
            listing = _listing(api, model, commit)
        sizes = {name: file.size for name, file in listing.files.items()}
        names = needed_files(sizes, listing.where)
        folder = _download(model, commit, {name: sizes[name] for name in names}, progress, look)
        with explained(model):
            _verify(folder, {name: listing.files[name] for name in names}, model, progress)
    return Source(folder=folder, name=model.name, address=str(model), revision=commit, notes=listing.notes)


def _listing(api: HfApi, model: HubId, commit: str) -> _Listing:
    """What the Hub says that the commit holds; when it cannot be asked, what the cache has of it."""
    try:
        siblings = api.model_info(model.repository, revision=commit, files_metadata=True).siblings or ()
    except (httpx2.TransportError, OfflineModeIsEnabled, HfHubHTTPError) as error:
        if isinstance(error, HfHubHTTPError) and error.response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        cached = _cached(model, commit)
        if cached is None:
            raise
        return cached
    return _Listing({sibling.rfilename: _listed(sibling) for sibling in siblings}, f"{model} of the Hub")


def _listed(sibling: RepoSibling) -> _File:
    if sibling.lfs:
        return _File(sibling.lfs.size, sibling.lfs.sha256)
    if sibling.size is None:
        raise FileMetadataError(f"{sibling.rfilename} has no size")
    return _File(sibling.size, sibling.blob_id)


def _cached(model: HubId, commit: str) -> _Listing | None:
    """What an earlier download left of the commit; None when there was none."""
    try:
        folder = Path(snapshot_download(model.repository, revision=commit, local_files_only=True, allow_patterns=[]))
    except LocalEntryNotFoundError:
        return None
    files = {}
    for path in folder.rglob("*"):
        if path.is_file():
            blob = path.resolve().name
            files[path.relative_to(folder).as_posix()] = _File(path.stat().st_size, blob if is_digest(blob) else None)
    note = f"the Hub was not reached, so {model} is what the cache has of its commit {commit[:HEX_OF_A_COMMIT]}"
    return _Listing(files, f"{model} in the cache ({folder}; the Hub was not reached)", (note,))


def _download(model: HubId, commit: str, sizes: dict[str, int], progress: Progress, look: Look) -> Path:
    """Download what the cache lacks of the commit, in the order of `sizes`; returns its folder there."""
    total = sum(sizes.values())
    cache = Path(constants.HF_HUB_CACHE)
    folder = cache / f"models--{model.repository.replace('/', '--')}" / "snapshots" / commit
    missing = sum(size for name, size in sizes.items() if not (folder / name).exists())
    require_room(cache, missing, str(model), ELSEWHERE)
    advance = progress.begin(f"downloading {model} ({total / MB:,.0f} MB)", total)
    first_weights = next(name for name in sizes if is_weights(name))
    for name, size in sizes.items():
        if name == first_weights:
            look(folder)
        counted = Counted(advance)
        with explained(model):
            _download_file(model, commit, name, counted)
        counted.add(size - counted.done)
    return folder


def _download_file(model: HubId, commit: str, name: str, counted: Counted) -> None:
    """Download one file into the cache; after a reset once more, from its beginning."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            hf_hub_download(model.repository, name, revision=commit, tqdm_class=_bar(counted))
        except httpx2.ReadError:
            if attempt == ATTEMPTS:
                raise
            counted.add(-counted.done)
            time.sleep(PAUSE_S)
        else:
            return


def _bar(counted: Counted) -> type["_Bar"]:
    """What huggingface_hub takes for its bar: a class, as it makes one for each try."""
    return type("Bar", (_Bar,), {"counted": counted})


class _Bar:
    """As much of tqdm as huggingface_hub uses; it draws nothing."""

    counted: ClassVar[Counted]

    def __init__(self, *_args: object, initial: float = 0, **_more: object) -> None:
        self.update(initial)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_error: object) -> None: ...

    def close(self) -> None: ...

    def update(self, size_bytes: float | None = 1) -> None:
        self.counted.add(int(size_bytes or 0))

    def update_transfer(self, _size_bytes: float | None = 1) -> None:
        """What came over the network, which is not what the file has: Xet sends no chunk twice."""

    def set_postfix_str(self, *_args: object, **_more: object) -> None: ...

    set_transfer_postfix_str = set_postfix_str


def _verify(folder: Path, files: dict[str, _File], model: HubId, progress: Progress) -> None:
    """Compare every file with its digest; one that differs is deleted, so that it is downloaded anew, and refused."""
    advance = progress.begin(f"verifying {model}", sum(file.size for file in files.values()))
    for name, file in files.items():
        path = folder / name
        if path.stat().st_size != file.size or (file.digest is not None and not has_digest(path, file.digest)):
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise Refused(
                f"{name} of {model} is not what the Hub names: it arrived altered (expected {file.size} bytes, digest "
                f"{file.digest}), and was deleted; pack it again, and if that ends the same way, ask who runs "
                f"{constants.ENDPOINT} or the proxy before it"
            )
        advance(file.size)
