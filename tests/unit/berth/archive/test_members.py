"""Archives that are looked into without being verified: whatever they hold is read or refused."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from berth.archive.verify import verify_archive
from berth.errors import Refused
from berth.inspection.inspect import inspect_archive
from berth.memory.model_size import ModelSize
from tests.support.standin import make_standin

READERS: dict[str, Callable[[Path], object]] = {"budget": ModelSize.read, "inspect": inspect_archive}


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("model-config.yaml", "a: ["),
        ("model-config.yaml", "- a"),
        ("MAR-INF/MANIFEST.json", "null"),
        ("checkpoint/config.json", "[]"),
        ("checkpoint/config.json", "[" * 100_000),
        ("checkpoint/model.safetensors", "x"),
    ],
)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_an_altered_folder_is_refused_in_a_line(
    tmp_path: Path, reader: Callable[[Path], object], member: str, text: str
) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(make_standin(tmp_path)) as archive:
        archive.extractall(folder)
    (folder / member).parent.mkdir(exist_ok=True)
    (folder / member).write_text(text, "utf-8")
    with pytest.raises(Refused, match=r"unpacked is not an archive that berth packed: .+") as refused:
        reader(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("reader", [*READERS.values(), verify_archive], ids=[*READERS, "verify"])
def test_a_path_that_cannot_be_looked_at_is_refused(tmp_path: Path, reader: Callable[[Path], object]) -> None:
    with pytest.raises(Refused, match="File name too long"):
        reader(tmp_path / ("long" * 100))
