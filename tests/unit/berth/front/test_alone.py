"""The page without a front: on a port of loopback, before a stand-in for TorchServe."""

from pathlib import Path

import pytest
import requests

from berth.archive.content import SUMS
from berth.archive.served_model import ServedModel
from berth.endpoint import Endpoint
from berth.front.alone import running_page
from berth.front.plan import LOOPBACK
from berth.settings import Settings
from berth.tune.ports import free_ports, port_variables
from berth.wait import wait_until
from tests.support.front.fronted import START_S, Echo
from tests.support.http_standin import answering
from tests.support.servers import CONFIG


def test_it_shows_the_page_and_passes_calls_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with answering(Echo) as torchserve:
        environ = {**port_variables(free_ports()), "TS_INFERENCE_ADDRESS": torchserve}
        settings = Settings.load(CONFIG, environ)
        models = [
            ServedModel(name="bert", version=each, folder=make_folder(tmp_path / each)) for each in ("2.0", "1.0")
        ]
        health = Endpoint(key="health", host=LOOPBACK, port=1)
        with running_page(settings, models, health, tmp_path) as page:
            assert wait_until(lambda: page.why_not_ready is None, START_S), page.why_not_ready
            url = capfd.readouterr().err.split()[-1]
            assert url.startswith("http://127.0.0.1:")
            assert "<title>berth" in requests.get(url, timeout=10).text
            asked = requests.post(url.replace("/ui", "/predictions/bert"), json={"inputs": "a"}, timeout=10)
            assert (asked.status_code, asked.json()["length"]) == (200, len('{"inputs": "a"}'))
            shown = requests.get(f"{url}/models", timeout=10).json()["models"]
            assert [(each["version"], each["is_default"], each["content"]) for each in shown] == [
                (model.version, model.version == "2.0", model.content_id) for model in models
            ]
            ready = url.replace("/ui", "/v2/models/bert/versions/{}/ready")
            assert [requests.get(ready.format(each), timeout=10).status_code for each in ("1.0", "3.0")] == [503, 404]


def make_folder(folder: Path) -> Path:
    """An unpacked archive, as far as its content's id goes: another one for each version."""
    sums = folder / SUMS
    sums.parent.mkdir(parents=True)
    sums.write_text(folder.name)
    return folder
