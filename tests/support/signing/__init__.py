"""Real keys for signing archives. A test that asks for them is skipped where model-signing is not installed."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

REASON = "needs model-signing: pip install 'berth[sign]'"


def make_keys(folder: Path, name: str) -> tuple[Path, Path]:
    """NAME.key and NAME.pub in `folder`: a new pair on the curve P-256, as PEM."""
    pytest.importorskip("model_signing", reason=REASON)
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - model-signing brings it

    return _write_keys(folder, name, ec.generate_private_key(ec.SECP256R1()))


def make_other_keys(folder: Path, name: str) -> tuple[Path, Path]:
    """Likewise of Ed25519, which model-signing does not take."""
    pytest.importorskip("model_signing", reason=REASON)
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    return _write_keys(folder, name, ed25519.Ed25519PrivateKey.generate())


def _write_keys(
    folder: Path, name: str, private: "ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey"
) -> tuple[Path, Path]:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key, public = folder / f"{name}.key", folder / f"{name}.pub"
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return key, public
