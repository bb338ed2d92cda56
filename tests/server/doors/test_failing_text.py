"""A text on which the model itself fails, among forty clients: it gets its own error, and nobody else notices."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import requests
from transformers import AutoTokenizer

from berth.pack import pack
from berth.pack.contents import HandlerSource
from berth.pack.options import PackOptions
from berth.sources.sample import sample_folder
from tests.support.plain_transformers import embed_one_by_one
from tests.support.servers import Server, running_server

pytestmark = pytest.mark.server

GUILTY = "lantern"
NUM_GOOD, NUM_BAD, NUM_CLIENTS = 390, 43, 40
MAX_TOKENS = 256
TOLERANCE = 1e-5
FORWARD = "handler/engine/forward.py"
RUN = "            return self._passes.forward(batch)\n"
FAULT = '''

def fail_on(batch: Batch) -> None:
    """Fail for one token of the vocabulary, as an embedding matrix that is too small does."""
    if {token} in batch.buffer[: batch.num_tokens]:
        raise IndexError("index out of range in self")
'''


def with_fault(source: HandlerSource, folder: Path) -> HandlerSource:
    """The handler, with a forward pass that fails for the guilty word."""
    (token,) = AutoTokenizer.from_pretrained(sample_folder())(GUILTY, add_special_tokens=False).input_ids
    code = source.handler_files[FORWARD].read_text("utf-8")
    assert code.count(RUN) == 1
    altered = folder / "forward.py"
    altered.write_text(code.replace(RUN, f"            fail_on(batch)\n{RUN}") + FAULT.format(token=token))
    return replace(source, handler_files={**source.handler_files, FORWARD: altered})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sample, whose handler has that fault."""
    folder = tmp_path_factory.mktemp("failing")
    source = with_fault(pack.installed_handler(), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "installed_handler", lambda: source)
        archive = pack.pack_checkpoint(None, PackOptions(output=folder)).archive
    with running_server([archive]) as running:
        yield running


def test_every_neighbour_of_a_failing_text_gets_its_answer(server: Server) -> None:
    good = [f"request number {number}" for number in range(NUM_GOOD)]
    bad = [f"{GUILTY} number {number}" for number in range(NUM_BAD)]
    pids = server.worker_pids()
    url = f"{server.inference_url}/predictions/bert"
    order = sorted([*good, *bad], key=lambda text: int(text.rpartition(" ")[2]) * (10 if text in bad else 1))
    with ThreadPoolExecutor(NUM_CLIENTS) as clients:
        sent = list(clients.map(lambda text: requests.post(url, json={"inputs": text}, timeout=120), order))
    answers = dict(zip(order, sent, strict=True))
    assert [answers[text].status_code for text in good] == [200] * NUM_GOOD
    vectors = [answers[text].json() for text in good]
    np.testing.assert_allclose(vectors, embed_one_by_one(sample_folder(), good, MAX_TOKENS), rtol=0, atol=TOLERANCE)
    errors = [answers[text].json() for text in bad]
    assert [(error["code"], error["type"]) for error in errors] == [(500, "InternalError")] * NUM_BAD
    assert server.worker_pids() == pids
