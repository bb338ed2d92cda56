"""How the server is now: whose times the page gets, and of which content the models are."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from berth.gateway.page.around import Described, Queue
from berth.gateway.page.state import LiveState
from tests.support.front.gateway import NOBODY, make_settings

METRICS = """berth_front_request_seconds_bucket{model_name="bert",model_version="1.0",le="0.001"} 3
berth_front_request_seconds_bucket{model_name="bert",model_version="1.0",le="+Inf"} 4
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="0.005",} 2.0
berth_request_seconds_bucket{model_name="bert",model_version="1.0",le="+Inf",} 2.0
"""
CONTENTS = {"bert/1.0": "0123456789abcdef" * 4}


class Surroundings:
    """What is around a server that is ready, has no worker, and has answered four requests in two batches."""

    async def why_not(self) -> str:
        return ""

    async def capacity(self) -> None:
        return None

    async def metrics(self) -> str:
        return METRICS

    async def describe(self, _model: str) -> Described:
        return Described(workers=[], job_queue_status=Queue(pending_requests=0))


@pytest.mark.parametrize(
    ("grpc", "timed", "buckets"),
    [("grpc.sock", "request", [("0.001", 3.0), ("+Inf", 4.0)]), (None, "batch", [("0.005", 2.0), ("+Inf", 2.0)])],
    ids=["a front", "no front"],
)
def test_requests_are_timed_by_the_front_where_there_is_one(
    tmp_path: Path, grpc: str | None, timed: str, buckets: list[tuple[str, float]]
) -> None:
    settings = make_settings(tmp_path, NOBODY, NOBODY, {"bert": ["1.0"]})
    around: Any = Surroundings()
    live = LiveState(msgspec.structs.replace(settings, grpc=grpc, contents=CONTENTS), around, around)
    state: Any = asyncio.run(live.read())
    assert state["seconds_of"] == timed
    assert state["models"]["bert/1.0"]["seconds"] == buckets
    assert state["contents"] == CONTENTS
