"""The short form of `python -m tests.fuzz`: a few hundred requests of a fixed seed, through every door."""

import pytest

from handler.config import Task
from tests.fuzz import protos
from tests.fuzz.models import SAMPLE, THREE, Target
from tests.fuzz.run import DOORS, Fuzzing, run
from tests.support.servers import Server

pytestmark = pytest.mark.server

NUM_REQUESTS = 400


def test_every_request_gets_an_answer_of_its_own(answering_server: Server) -> None:
    targets = (SAMPLE, Target("tiny", Task.TEXT_CLASSIFICATION), THREE)
    report = run(Fuzzing(server=answering_server, targets=targets, seed=5, number=NUM_REQUESTS, clients=4))
    assert report.violations == []
    assert report.outcomes.total() == NUM_REQUESTS
    assert {door for door, _ in report.outcomes} == set(DOORS)


def test_no_call_of_any_proto_ends_a_worker(answering_server: Server) -> None:
    outcomes = protos.run(answering_server, 20)
    assert set(outcomes["org.pytorch.serve.grpc.inference.InferenceAPIsService.StreamPredictions2"]) == {
        "UNIMPLEMENTED"
    }
