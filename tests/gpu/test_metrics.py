"""What the launcher shows of each card, of a real one."""

from pathlib import Path

import pytest
import torch

from berth.monitoring.families import GPU_BUSY, GPU_TOTAL, GPU_USED, OF_GPUS
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.support.scrape import Scrape
from tests.support.servers import running_server

NO_GPU = "no CUDA device: run `make gpu-check` on a GPU machine"
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]


def test_every_card_is_scraped(tiny: Path, tmp_path: Path) -> None:
    if "MIG" in torch.cuda.get_device_name(0):
        pytest.skip("a part of a card: nvidia-smi does not say what it does")
    archive = pack_checkpoint(tiny, PackOptions(output=tmp_path)).archive
    with running_server([archive]) as server:
        scrape = Scrape(server, server.health_url)
    for family in OF_GPUS:
        assert len(scrape.labels(family.name)["gpu"]) >= torch.cuda.device_count()  # of the machine, hidden ones too
    assert scrape.total(GPU_BUSY.name) >= 0
    assert 0 < scrape.total(GPU_USED.name) < scrape.total(GPU_TOTAL.name)  # the worker's model is on one
