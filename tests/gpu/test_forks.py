"""A process that was forked from the one with all imports uses the GPU, and that one has never touched it."""

import pytest
import torch

from tests.support.gpu.forks import forked, held_files

NO_GPU = "no CUDA device: run `make gpu-check` on a GPU machine"
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]


def test_a_fork_has_the_gpu_and_the_fork_server_no_file_of_it() -> None:
    """A CUDA call before the fork would leave the device open in the server, and the fork's own would fail."""
    with forked("import torch; torch.ones(2, device='cuda').sum().item()") as found:
        assert held_files(found.fork_pid, "/dev/nvidia")
        assert held_files(found.server_pid, "/dev/nvidia") == set()
