"""A proven archive takes its place, and its signature with it where somebody signs it."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..archive.signature import sign_archive, signature_file

if TYPE_CHECKING:
    from model_signing import signing


def publish(draft: Path, target: Path, signer: "signing.Config | None") -> tuple[str, ...]:
    """Rename the archive to `target`, signed where somebody signs it; say what becomes of a former signature.

    The signature is made before anything is replaced. The former one goes before the archive that it is of, and the new
    one comes after its own: wherever a signed one ends, no signature lies beside an archive that it is not of.
    """
    place = signature_file(target)
    if signer is None:
        draft.replace(target)
        stale = f"{place} was made for the archive that lay here before: --sign KEY makes it anew"
        return (stale,) if place.exists() else ()
    signature = sign_archive(draft, signer)
    place.unlink(missing_ok=True)
    draft.replace(target)
    signature.replace(place)
    return ()
