"""`berth pack --sign`, and who takes what it signed."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from berth.archive.signature import require_signed
from berth.archive.verify import content_id
from berth.cli.app import app
from berth.errors import Refused, UsageError
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.serve.prepare import prepare_models


def test_what_was_packed_is_signed(signed, keys):
    assert require_signed(signed, keys / "ada.pub") == content_id(signed)
    assert sorted(path.name for path in signed.parent.iterdir()) == ["tiny.mar", "tiny.sig"]


def test_a_server_refuses_what_another_key_signed_and_unpacks_nothing(signed, keys, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Refused, match=r"tiny\.sig was not made with the private key of .*bob\.pub"):
        prepare_models([signed], keys / "bob.pub")
    assert list(tmp_path.iterdir()) == []
    assert [model.name for model in prepare_models([signed], keys / "ada.pub")] == ["tiny"]


def test_verify_says_who_signed(signed, keys, monkeypatch):
    verified = CliRunner().invoke(app, ["verify", str(signed), "--require-signature", str(keys / "ada.pub")])
    assert (verified.exit_code, f"signed by {keys / 'ada.pub'}: {signed.with_suffix('.sig')}" in verified.output) == (
        0,
        True,
    )
    monkeypatch.setenv("BERTH_REQUIRE_SIGNATURE", str(keys / "bob.pub"))
    refused = CliRunner().invoke(app, ["verify", str(signed)])
    assert (refused.exit_code, "was not made with the private key of" in refused.output) == (4, True)


def test_an_unsigned_copy_is_refused_by_every_command_that_runs_its_handler(signed, keys, tmp_path):
    copy = Path(shutil.copy(signed, tmp_path / "copy.mar"))
    texts = tmp_path / "texts.txt"
    texts.write_text("a text\n")
    for command in (
        ["bulk", str(copy), str(texts), "--output", str(tmp_path / "out")],
        ["audit", str(texts), "--model", str(copy)],
        ["tune", str(copy), "--p99", "50ms"],
    ):
        ran = CliRunner().invoke(app, [*command, "--require-signature", str(keys / "ada.pub")])
        assert isinstance(ran.exception, Refused), (command, ran.output)
        assert "copy.mar is not signed: there is no" in str(ran.exception)


def test_a_key_that_cannot_sign_is_said_before_anything_is_packed(keys, tmp_path):
    with pytest.raises(UsageError, match=r"--sign .*ada\.pub: no private key"):
        pack_checkpoint(tmp_path / "absent", PackOptions(output=tmp_path / "store", signing_key=keys / "ada.pub"))
    assert not (tmp_path / "store").exists()
