"""The certificate and its key: what TLS can use, and what is said of the rest."""

from pathlib import Path

import pytest

from berth.errors import UsageError
from berth.front.tls import CertificatePair
from tests.support.front.certificates import make_certificate


def test_a_pair_is_one_file_of_pem_blocks_alone(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    made.certificate.write_text(f"Certificate of ours\n\n{made.certificate.read_text()}")
    pair = CertificatePair(certificate=made.certificate, private_key=made.key)
    lines = pair.combine(pair.read()).splitlines()
    assert [line for line in lines if line.startswith("-----BEGIN")] == [
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----",
    ]
    assert "" not in lines  # it would end the message to HAProxy
    assert "Certificate of ours" not in lines


def test_two_that_do_not_belong_together_are_said(tmp_path: Path) -> None:
    one, other = make_certificate(tmp_path, "one"), make_certificate(tmp_path, "other")
    pair = CertificatePair(certificate=one.certificate, private_key=other.key)
    with pytest.raises(UsageError, match=r"one\.crt .* and .*other\.key .* are no pair .*: key values mismatch"):
        pair.combine(pair.read())


def test_what_is_missing_or_no_certificate_is_said(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    pair = CertificatePair(certificate=made.certificate, private_key=tmp_path / "none.key")
    with pytest.raises(UsageError, match=r"none\.key \(private_key_file\) cannot be read: No such file"):
        pair.read()
    (tmp_path / "none.key").write_text("nothing")
    with pytest.raises(UsageError, match="are no pair that TLS can use"):
        pair.combine(pair.read())
    with pytest.raises(UsageError, match="are more than 15000 bytes"):
        pair.combine(made.certificate.read_text() * 20)
