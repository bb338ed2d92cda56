"""The three commands of examples/intents, and what a user of the endpoint gets: a real classifier, really served."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.support.intents import Trained, read
from tests.support.servers import Server, running_server

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(intents: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    archive = pack_checkpoint(
        intents.folder, PackOptions(name="intents", output=tmp_path_factory.mktemp("intents-store"))
    ).archive
    with running_server([archive]) as server:
        yield server


def ask(server: Server, door: str, inputs: Any, **parameters: Any) -> Any:
    body = {"inputs": inputs, "parameters": parameters}
    answer = requests.post(f"{server.inference_url}/{door}/intents", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_held_out_texts_get_their_labels(server: Server) -> None:
    labels, texts = zip(*read("test.tsv"), strict=True)
    answers = ask(server, "predictions", list(texts))
    right = sum(answer["label"] == label for answer, label in zip(answers, labels, strict=True))
    assert right >= 0.9 * len(texts)


def test_threshold_leaves_out_what_is_unsure(server: Server) -> None:
    (best,) = ask(server, "predictions", "I want my money back", threshold=0.5)
    assert best["label"] == "refund"
    assert (
        ask(server, "predictions", "I want my money back", threshold={"refund": 1.01, **dict.fromkeys(OTHERS, 1.01)})
        == []
    )


OTHERS = sorted({label for label, _ in read("test.tsv")} - {"refund"})


def test_explanation_points_at_the_words_that_matter(server: Server) -> None:
    text = "Hello, on the phone they told me that I forgot my password again, thank you."
    value = ask(server, "explanations", text, n_steps=50)
    assert value["label"] == "login_problem"
    shares = {text[token["start"] : token["end"]]: token["attribution"] for token in value["tokens"]}
    assert max(shares, key=lambda word: shares[word]) == "password"
    assert sum(shares.values()) > 0.3  # most of the way from saying nothing to being sure
