"""Signatures by model-signing, with real keys: whose is taken, and what each refusal says; its own command agrees."""

import subprocess
import sys
from pathlib import Path

import pytest

from berth.archive.content import SUMS, ArchivePlan, Member
from berth.archive.signature import load_signer, require_signed, sign_archive, signature_file, unpack_signed
from berth.archive.verify import content_id, read_archive
from berth.archive.write import write_archive
from berth.errors import Refused, UsageError
from tests.support.signing import make_keys, make_other_keys

DATA = {"checkpoint/config.json": b"{}", "handler/a.py": b"A = 1\n"}
OTHER = DATA | {"handler/a.py": b"A = 2\n"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pairs of keys, and one that is not of an elliptic curve that signs here."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "bob"):
        make_keys(folder, name)
    make_other_keys(folder, "edward")
    return folder


def _archive(path: Path, data: dict[str, bytes]) -> Path:
    write_archive(ArchivePlan(members=tuple(Member(name=name, source=each) for name, each in data.items())), path)
    return path


@pytest.fixture
def archive(tmp_path: Path, keys: Path) -> Path:
    """bert.mar, with the folder bert beside it, signed by ada."""
    path = _archive(tmp_path / "bert.mar", DATA)
    read_archive(path, _made(tmp_path / "bert"))
    assert sign_archive(path, load_signer(keys / "ada.key")) == tmp_path / "bert.sig"
    return path


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _model_signing(*arguments: str | Path) -> int:
    command = [sys.executable, "-m", "model_signing", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_one_signature_is_for_the_mar_and_for_its_folder(archive, keys):
    assert require_signed(archive, keys / "ada.pub") == content_id(archive)
    assert require_signed(archive.with_suffix(""), keys / "ada.pub") == content_id(archive)
    assert sorted(path.name for path in archive.parent.iterdir()) == ["bert", "bert.mar", "bert.sig"]


@pytest.mark.parametrize(
    ("name", "beside"),
    [("bert.mar", "bert.sig"), ("bert", "bert.sig"), ("v1.2.mar", "v1.2.sig"), ("v1.2", "v1.2.sig")],
)
def test_a_signature_lies_beside_the_archive(tmp_path, name, beside):
    assert signature_file(tmp_path / name) == tmp_path / beside


def test_a_stranger_verifies_it_with_model_signing_alone(archive, keys):
    sums = archive.with_suffix("") / SUMS
    verify = ("verify", "key", sums, "--signature", archive.with_suffix(".sig"), "--public_key")
    assert _model_signing(*verify, keys / "ada.pub") == 0
    assert _model_signing(*verify, keys / "bob.pub") != 0
    sums.write_bytes(sums.read_bytes().replace(b"handler/a.py", b"handler/b.py"))
    assert _model_signing(*verify, keys / "ada.pub") != 0


def test_what_model_signing_signed_is_taken(archive, keys):
    signature = archive.with_suffix(".sig")
    signature.unlink()
    sums = archive.with_suffix("") / SUMS
    assert _model_signing("sign", "key", sums, "--signature", signature, "--private_key", keys / "bob.key") == 0
    assert require_signed(archive, keys / "bob.pub") == content_id(archive)


def _unsigned(archive: Path) -> None:
    archive.with_suffix(".sig").unlink()


def _exchanged(archive: Path) -> None:
    archive.unlink()
    _archive(archive, OTHER)


def _cut(archive: Path) -> None:
    archive.with_suffix(".sig").write_bytes(archive.with_suffix(".sig").read_bytes()[:200])


def _noise(archive: Path) -> None:
    archive.with_suffix(".sig").write_bytes(bytes(range(256)))


def _empty(archive: Path) -> None:
    archive.with_suffix(".sig").write_text("{}")


def _forged(archive: Path) -> None:
    """The same words, another signature: as if it were signed by whoever is trusted."""
    signature = archive.with_suffix(".sig")
    text = signature.read_text()
    start = text.index('"sig":"') + len('"sig":"') + 20
    signature.write_text(text[:start] + ("A" if text[start] != "A" else "B") + text[start + 1 :])


@pytest.mark.parametrize(
    ("alter", "key", "words"),
    [
        (_unsigned, "ada", r"bert\.mar is not signed: there is no .*bert\.sig; ask for the signature"),
        (
            _exchanged,
            "ada",
            r"bert\.sig is the signature of another content than .*bert\.mar, which holds [0-9a-f]{64}",
        ),
        (lambda archive: None, "bob", r"bert\.sig was not made with the private key of .*bob\.pub"),
        (_forged, "ada", r"bert\.sig was not made with the private key of .*ada\.pub, or was altered since"),
        (_cut, "ada", r"bert\.sig is damaged"),
        (_noise, "ada", r"bert\.sig is damaged"),
        (_empty, "ada", r"bert\.sig is damaged"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_unpacked(archive, keys, alter, key, words):
    alter(archive)
    cache = archive.with_name("cache")
    with pytest.raises(Refused, match=words):
        unpack_signed(archive, keys / f"{key}.pub", cache)
    assert not cache.exists()


def test_an_altered_member_is_refused_though_the_list_is_signed(archive, keys, tmp_path):
    data = archive.read_bytes()
    archive.write_bytes(data.replace(b"A = 1", b"A = 2"))
    with pytest.raises(Refused, match=r"member handler/a\.py is altered"):
        unpack_signed(archive, keys / "ada.pub", tmp_path / "cache")


def test_without_a_key_nothing_is_asked_of_a_signature(archive, tmp_path):
    _unsigned(archive)
    assert unpack_signed(archive, None, tmp_path / "cache").name == content_id(archive)


@pytest.mark.parametrize("key", ["absent.pub", "ada.key", "edward.pub"])
def test_a_file_without_a_public_key_is_named(archive, keys, key):
    with pytest.raises(UsageError, match=rf"--require-signature .*{key}: no public key of an elliptic curve"):
        require_signed(archive, keys / key)


@pytest.mark.parametrize("key", ["absent.key", "ada.pub", "edward.key"])
def test_a_file_without_a_private_key_is_named(keys, key):
    with pytest.raises(UsageError, match=rf"--sign .*{key}: no private key of an elliptic curve"):
        load_signer(keys / key)


def test_a_missing_package_is_named(keys, tmp_path, monkeypatch):
    monkeypatch.setattr("berth.archive.signature.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"--sign needs model-signing, .*berth\[sign\]"):
        load_signer(keys / "ada.key")
    with pytest.raises(UsageError, match=r"--require-signature needs model-signing, .*berth\[sign\]"):
        require_signed(tmp_path / "bert.mar", keys / "ada.pub")


def test_what_was_unpacked_is_verified_by_its_key_when_the_archive_is_gone(archive, keys, tmp_path):
    folder = unpack_signed(archive, keys / "ada.pub", tmp_path / "cache")
    archive.unlink()
    _unsigned(archive)
    assert unpack_signed(folder, keys / "ada.pub", tmp_path / "cache") == folder
    with pytest.raises(Refused, match=r"was not made with the private key of .*bob\.pub"):
        unpack_signed(folder, keys / "bob.pub", tmp_path / "cache")
