"""Buckets of this machine, for pyarrow's own clients: moto's S3, and an emulator of Google's storage."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

MODULES = {"s3": "moto", "gs": "gcp_storage_emulator"}
PACKAGES = {"s3": "moto[s3], flask and flask-cors", "gs": "gcp-storage-emulator"}
ACCESS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bucket, called box."""

    scheme: str
    port: int

    def address(self, key: str) -> str:
        """How a command is told of an object, or of all below it."""
        login = "anonymous@" if self.scheme == "gs" else ""
        more = "&retry_limit_seconds=1" if self.scheme == "gs" else ""
        return f"{self.scheme}://{login}box/{key}?endpoint_override=127.0.0.1:{self.port}&scheme=http{more}"

    def name(self, key: str) -> str:
        """How people are told of it."""
        return f"{self.scheme}://box/{key}"

    def put(self, folder: Path, key: str) -> None:
        """Copy all files below a folder to objects below a key."""
        from pyarrow.fs import copy_files  # noqa: PLC0415 - an extra of berth

        copy_files(str(folder), self.address(key))

    def fetch(self, key: str, folder: Path) -> Path:
        """Copy all objects below a key to an empty folder."""
        from pyarrow.fs import copy_files  # noqa: PLC0415

        folder.mkdir()
        copy_files(self.address(key), str(folder))
        return folder

    def read(self, key: str) -> bytes:
        """An object, b"" where there is none."""
        from pyarrow.fs import FileSystem  # noqa: PLC0415

        system, _ = FileSystem.from_uri(self.address(""))
        try:
            with system.open_input_file(f"box/{key}") as file:
                content: bytes = file.read()
                return content
        except FileNotFoundError:
            return b""

    def make(self) -> None:
        """Make the bucket."""
        from pyarrow.fs import FileSystem  # noqa: PLC0415

        system, _ = FileSystem.from_uri(f"{self.address('')}&allow_bucket_creation=true")
        system.create_dir("box")


@contextmanager
def serving(scheme: str) -> Iterator[Bucket]:
    """Serve an empty bucket, in an environment with ACCESS; a skip where what serves it is not installed."""
    if not find_spec(MODULES[scheme]):
        pytest.skip(f"{PACKAGES[scheme]} are not installed: no {scheme}:// to test with")
    words = [sys.executable, "-m", f"{__package__}.serve", scheme]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        bucket = Bucket(scheme=scheme, port=int(process.stdout.readline()))
        if scheme == "s3":
            bucket.make()
        yield bucket
    finally:
        process.kill()
        process.communicate()
