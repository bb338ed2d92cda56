"""Requests that TorchServe would log a stack trace for, or hand to the model past its queue."""

import contextlib
import csv

import pytest

from berth.front.front import Front
from berth.front.runtime import ask
from handler.doors.paths import NOT_SERVED
from tests.support.front.fronted import Fronted

from .test_limits import read_answer

KEY = "open-sesame"


@pytest.mark.parametrize("path", ["/invocations", "/%69nvocations", "/models/bert/invoke", "/%6dodels/bert/invoke/"])
def test_sagemakers_addresses(locked: Fronted, path: str) -> None:
    status, _, body = locked.ask(path, key=KEY)
    assert (status, body["type"], body["message"]) == (404, "UnknownPath", NOT_SERVED)


@pytest.mark.parametrize("path", ["/bert/predict", "/bert/1.0/predict", "/bert/predict/", "/bert/%70redict"])
def test_torchserves_oldest_addresses(locked: Fronted, path: str) -> None:
    status, _, body = locked.ask(path, key=KEY)
    assert (status, body.get("message", body.get("error"))) == (404, NOT_SERVED)  # one that ends as TEI's is TEI's


@pytest.mark.parametrize(
    "path",
    ["/predict", "/predictions/predict", "/predictions/bert/predict", "/v1/models/predict", "/v2/models/predict"],
)
def test_a_model_a_version_and_teis_door_may_be_called_predict(locked: Fronted, path: str) -> None:
    assert locked.ask(path, key=KEY)[0] == 200


@pytest.mark.parametrize("path", ["%zz", "%4", "%", "bert?x=%g1", "bert/" + "a" * 3_500, "bert?x=" + "a" * 3_500])
def test_an_address_that_cannot_be_read(locked: Fronted, path: str) -> None:
    status, _, body = locked.ask(f"/predictions/{path}", key=KEY)
    assert (status, body["type"]) == (400, "NotParseable")


def test_a_long_address_with_escapes_is_passed_on(locked: Fronted) -> None:
    assert locked.ask("/predictions/bert/1.0/" + "%41" * 1_000 + "?x=100%25", key=KEY)[0] == 200


@pytest.mark.parametrize("character", [b"\x01", b"\x0b", b"\x7f"])
def test_a_header_with_control_characters(locked: Fronted, character: bytes) -> None:
    lines = (b"GET /predictions/bert HTTP/1.1", b"host: x", b"connection: close", b"authorization: Bearer open-sesame")
    with contextlib.closing(locked.open_socket()) as client:
        client.sendall(b"\r\n".join((*lines, b"traceparent: a" + character, b"", b"")))
        status, body = read_answer(client)
    assert (status, body["type"]) == (400, "NotParseable")


ESCAPED = ("/predictions/%62ert", "/predictions%2Fbert", "/v1/models/be%72t%3Apredict", "/v2/models/%62%65rt/infer")


@pytest.mark.parametrize("path", ESCAPED)
def test_an_escaped_name_takes_no_way_past_the_models_queue(locked: Fronted, path: str) -> None:
    before = num_queued(locked.front)
    assert locked.ask(path, key=KEY)[0] == 200
    assert num_queued(locked.front) == before + 1


def num_queued(front: Front) -> int:
    """Requests that went through the model's queue so far."""
    rows = csv.DictReader(ask(front.runtime, "show stat").removeprefix("# ").splitlines())
    return next(int(row["stot"]) for row in rows if (row["pxname"], row["svname"]) == ("model-bert", "BACKEND"))
