"""Whether a trusted key has signed what an archive holds: NAME.sig beside NAME.mar, or beside the folder NAME.

OpenSSF's model-signing signs and verifies. What is signed is the digest list, as a file SHA256SUMS: a .mar and the
folder that it was unpacked to have the same one, so one signature does for both, and model-signing's own command
verifies it on the unpacked MAR-INF/SHA256SUMS. The members are held against the list by the verifier.
"""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import say
from ..errors import BerthError, Refused, UsageError
from ..progress import Advance, ignore
from .content import SIGNATURE_SUFFIX, SUMS, Content
from .kept import drafting
from .unpack import unpack_once
from .verify import content_id, read_content

if TYPE_CHECKING:
    from model_signing import signing, verifying

MAKE_KEY = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY"
# model-signing has no classes for what is wrong: the beginnings of its sentences, which setup.cfg bounds (verifying.py,
# sign_ec_key.py, 1.1.1). Another sentence would be called damage, and is refused as well.
OTHER_CONTENT, OTHER_KEY = "Signature mismatch", "Key mismatch"


def signature_file(archive: Path) -> Path:
    """Where the signature of a .mar or of an unpacked folder lies: beside it, as NAME.sig."""
    path = archive.absolute()
    return path.with_name(f"{path.stem if path.suffix == '.mar' else path.name}{SIGNATURE_SUFFIX}")


def load_signer(key: Path) -> "signing.Config":
    """What signs with a private key; UsageError where the file holds none that can."""
    _require_package("--sign")
    from model_signing import signing  # noqa: PLC0415 - a second

    try:
        return signing.Config().use_elliptic_key_signer(private_key=key)
    except Exception as error:
        raise UsageError(
            f"--sign {key}: no private key of an elliptic curve (PEM, without a passphrase) can be read from it: "
            f"{_one_line(error)}; make one: {MAKE_KEY}"
        ) from error


def sign_archive(archive: Path, signer: "signing.Config") -> Path:
    """Write the signature of what a verified archive holds beside it, in the place of another; return its path."""
    target = signature_file(archive)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".signing-{target.stem}-") as work:
            draft = Path(work) / target.name
            signer.sign(_write_list(read_content(archive), Path(work)), draft)
            draft.replace(target)
    except OSError as error:
        raise BerthError(f"cannot write {target}: {error}") from error
    return target


def unpack_signed(archive: Path, key: Path | None, cache: Path, advance: Advance = ignore) -> Path:
    """The folder of `unpack_once`, of an archive that `key` has signed; Refused before anything is unpacked.

    The signature is kept beside the folder, which can so be verified again when the archive is gone. Without a key
    nothing is asked of it.
    """
    signed = require_signed(archive, key) if key else None
    folder = unpack_once(archive, cache, advance)
    if signed and content_id(folder) != signed:
        raise Refused(f"{archive} was replaced while it was read: start again")
    if signed and folder != archive:
        _keep_signature(signature_file(archive), signature_file(folder))
    return folder


def _keep_signature(signature: Path, target: Path) -> None:
    """Copy a signature whole: whoever reads it meanwhile has the former one."""
    try:
        signed = signature.read_bytes()
        if target.is_file() and target.read_bytes() == signed:
            return
        with drafting(target.parent) as work:
            draft = work / target.name
            draft.write_bytes(signed)
            draft.replace(target)
    except OSError as error:
        say(f"the signature {signature} cannot be kept as {target}, for `berth rollback`: {error.strerror}")


def require_signed(archive: Path, key: Path) -> str:
    """The id of the content that the digest list names; Refused unless the private key of `key` has signed that list.

    The members are not read.
    """
    verifier, signature, content = _load_verifier(key), signature_file(archive), read_content(archive)
    if not signature.is_file():
        raise Refused(
            f"{archive} is not signed: there is no {signature}; ask for the signature whoever packed it, or pack it "
            "anew with `berth pack --sign KEY`"
        )
    with tempfile.TemporaryDirectory(prefix="berth-signature-") as work:
        sums = _write_list(content, Path(work))
        try:
            verifier.verify(sums, signature)
        except Exception as error:
            raise _refusal(archive, content, signature, key, error) from error
    return content.id


def _load_verifier(key: Path) -> "verifying.Config":
    """What verifies with a public key; UsageError where the file holds none."""
    _require_package("--require-signature")
    from model_signing import verifying  # noqa: PLC0415 - a second

    try:
        return verifying.Config().use_elliptic_key_verifier(public_key=key)
    except Exception as error:
        raise UsageError(
            f"--require-signature {key}: no public key of an elliptic curve (PEM) can be read from it: "
            f"{_one_line(error)}; of a private key: openssl pkey -in KEY -pubout -out KEY.pub"
        ) from error


def _refusal(archive: Path, content: Content, signature: Path, key: Path, error: Exception) -> Refused:
    """What is wrong with a signature, and what to do."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - model-signing brings it

    reason = str(error)
    if reason.startswith(OTHER_CONTENT):
        return Refused(
            f"{signature} is the signature of another content than {archive}, which holds {content.id}: the archive "
            "or its signature was exchanged; fetch both again from whoever signed it"
        )
    if isinstance(error, InvalidSignature) or reason.startswith(OTHER_KEY):
        return Refused(
            f"{signature} was not made with the private key of {key}, or was altered since: ask whoever packed "
            f"{archive} which key signed it, or fetch the signature again"
        )
    return Refused(
        f"{signature} is damaged, or no signature of model-signing with a key: {_one_line(error)}; fetch it again from "
        f"whoever packed {archive}"
    )


def _write_list(content: Content, folder: Path) -> Path:
    """The digest list as a file of its own name in `folder`."""
    sums = folder / Path(SUMS).name
    sums.write_bytes(content.to_sums())
    return sums


def _require_package(option: str) -> None:
    if not find_spec("model_signing"):
        raise UsageError(f"{option} needs model-signing, which is not installed: pip install 'berth[sign]'")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
