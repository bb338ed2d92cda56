"""A row says what came of a call, and finds whatever is not as promised. Without a server."""

import grpc
import pytest

from .call import TOLERANCE, Call, difference, make_row
from .place import Place
from .running import OURS, clients

NOWHERE = Place(url="http://127.0.0.1:9", grpc="", grpc_management="", models=("m",), origin="", protos="")


class Refusal(Exception):
    """As the clients' own: a sentence, and the server's answer beside it."""

    def __init__(self, message: str, body: object) -> None:
        super().__init__(message)
        self.body = body


class Failure(grpc.RpcError):  # type: ignore[misc]
    """As gRPC's."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.NOT_FOUND

    def details(self) -> str:
        return "no such model"


def judged(call: Call) -> tuple[str, str]:
    row = make_row("client", "1", call, NOWHERE)
    return row.result, row.wrong


def raising(error: Exception) -> Call:
    def ask(_: Place) -> object:
        raise error

    return Call(name="x", ask=ask, refused="no such")


def test_equal_answers_are_right_and_others_are_not():
    assert judged(Call(name="x", ask=lambda _: [1.0, "a"], expected=lambda _: [1.0, "a"])) == ("equal", "")
    close = 1.0 + TOLERANCE / 2
    assert judged(Call(name="x", ask=lambda _: (close,), expected=lambda _: [1.0])) == ("equal within 5e-07", "")
    assert judged(Call(name="x", ask=lambda _: [1.1], expected=lambda _: [1.0]))[1].startswith("0.1")
    assert judged(Call(name="x", ask=lambda _: None, expected=lambda _: [1.0]))[1].startswith("inf")


@pytest.mark.parametrize("found", [[1.0], [1.0, 2.0, 3.0], {"0": 1.0}, [1.0, "2"], [1.0, float("nan")], [1.0, None]])
def test_another_form_is_infinitely_far(found: object):
    assert difference(found, [1.0, 2.0]) == float("inf")


def test_keys_count_and_their_order_does_not():
    assert difference({"b": 1.0, "a": "x"}, {"a": "x", "b": 1.0}) == 0
    assert difference({"b": 1.0}, {"a": "x", "b": 1.0}) == float("inf")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refusal("Error code: 404", {"message": "no such model"}), "no such model"),
        (Refusal("Error code: 404", {"error": {"message": "no such model"}}), "no such model"),
        (Refusal("Error code: 404", '{"error": "no such model"}'), "no such model"),
        (Refusal("no such\nthing", None), "no such thing"),
        (Failure(), "NOT_FOUND: no such model"),
    ],
)
def test_the_server_s_sentence_counts(error: Exception, said: str):
    assert judged(raising(error)) == (f"refused: {said}", "")


def test_another_sentence_and_an_answer_in_place_of_a_refusal_are_wrong():
    assert judged(raising(ValueError("something else")))[1] == "ValueError: something else"
    assert judged(Call(name="x", ask=lambda _: 5, refused="no"))[1] == "it must be refused, and got 5"
    assert judged(Call(name="x", ask=lambda _: NOWHERE.native("x"), expected=lambda _: 1))[0].startswith("refused")


def test_every_client_has_calls_with_names_of_their_own():
    assert set(OURS) <= set(clients())
    assert {"frameworks.langchain", "kserve_client", "openai_node"} <= set(clients())
