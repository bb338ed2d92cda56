"""Another default where the front cannot follow; TorchServe's management is a stand-in."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from berth.archive.served_model import ServedModel
from berth.errors import BerthError
from berth.serve.rollout import redirect as module
from berth.serve.rollout.redirect import redirect
from tests.support.front.fronted import plan_before
from tests.support.http_standin import JsonHandler, answering
from tests.unit.berth.serve.test_plan import make_plan


class Fronts:
    """None starts."""

    def switch(self, _plan: object) -> None:
        raise BerthError("the front does not start")


@pytest.mark.parametrize("is_gone", [False, True])
def test_the_defaults_are_set_back_and_the_order_hears_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, is_gone: bool
) -> None:
    monkeypatch.setattr(module, "require_same_tasks", lambda *_: None)
    told: list[str] = []

    class Management(JsonHandler):
        def do_PUT(self) -> None:  # noqa: N802 - the base class's name
            told.append(self.path)
            self.answer(500 if is_gone and len(told) > 1 else 200, {"code": 500, "message": "java's heap is full"})

    with answering(Management) as url:
        models = [ServedModel(name="bert", version=each, folder=tmp_path / each) for each in ("2.0", "1.0")]
        live = SimpleNamespace(plan=plan_of(models, url, tmp_path))
        server: Any = SimpleNamespace(live=live, fronts=Fronts())
        with pytest.raises(BerthError, match="the front does not start"):
            redirect(server, models[::-1])
    assert told == ["/models/bert/1.0/set-default", "/models/bert/2.0/set-default"]
    assert ("could not be set back: " in capfd.readouterr().err) == is_gone
    assert live.plan.models == tuple(models)


def plan_of(models: list[ServedModel], management: str, folder: Path) -> Any:
    """A plan whose TorchServe is managed at this address."""
    plan = make_plan()
    front = plan_before("http://127.0.0.1:1", folder)
    port = int(management.rpartition(":")[2])
    behind = replace(front.behind, management=replace(front.behind.management, port=port))
    return replace(plan, models=tuple(models), front=replace(front, models=tuple(models), behind=behind))
