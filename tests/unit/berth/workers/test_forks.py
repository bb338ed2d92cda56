"""The real fork server, imports and all: what a fork opens, it does not have, and it is one thread."""

import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.gpu.forks import forked, held_files


def test_what_a_fork_opens_or_maps_is_seen_there_and_not_in_the_server(tmp_path: Path) -> None:
    """As tests/gpu looks for the files of a GPU, with files that any machine has."""
    opened, mapped = tmp_path / "opened", tmp_path / "mapped"
    for path in (opened, mapped):
        path.write_bytes(bytes(4096))
    statement = (
        f"import mmap; kept = open({str(opened)!r}); other = os.open({str(mapped)!r}, os.O_RDONLY); "
        "area = mmap.mmap(other, 0, prot=mmap.PROT_READ); os.close(other)"
    )
    with forked(statement) as found:
        assert held_files(found.fork_pid, str(tmp_path)) == {str(opened), str(mapped)}
        assert held_files(found.server_pid, str(tmp_path)) == set()


def test_the_imports_start_no_thread() -> None:
    """It would be lost in a fork."""
    with forked("pass") as found:
        assert psutil.Process(found.server_pid).num_threads() == 1


def test_the_imports_do_not_ask_for_a_gpu() -> None:
    """What asks the driver keeps its files open, and after CUDA's start no fork could use it."""
    program = (
        "import torch\n"
        "def refuse(*_): raise AssertionError('the fork server asked for a GPU')\n"
        "for name in ('is_available', 'device_count', 'init', '_lazy_init'): setattr(torch.cuda, name, refuse)\n"
        "from berth.workers.fork_server import preload\n"
        "preload()\n"
    )
    subprocess.run([sys.executable, "-P", "-c", program], check=True)
