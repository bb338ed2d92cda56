"""A certificate of this machine's loopback, made by openssl for one test."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Two PEM files. It is signed by itself, so it is its own CA."""

    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str = "localhost") -> Certificate:
    """For 127.0.0.1 and localhost, good for a day; `name` tells it from another."""
    made = Certificate(certificate=folder / f"{name}.crt", key=folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
    command += ["-newkey", "rsa:2048", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-out", str(made.certificate), "-keyout", str(made.key)]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return made
