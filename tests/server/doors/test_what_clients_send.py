"""What people's clients send by themselves, and that the line in the error, run as it stands, is answered."""

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest
import requests

from handler.config import Task
from tests.support.clients import Answer, Model
from tests.support.clients.curl import run_curl
from tests.support.clients.grpc_calls import send_grpc
from tests.support.clients.rest import JSON, NATIVE, OPENAI, V1, post
from tests.support.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("same_worker")]

MODEL = Task.EMBEDDINGS
TEXT = "naïve café"
BODY = json.dumps({"inputs": TEXT}, ensure_ascii=False)
PLAIN = ["-H", "content-type: text/plain"]
TYPED = ["-H", "content-type: application/json"]
CURL = re.compile(r"\(([^()]*\bcurl [^()]*)\)")


def vector(model: Model, text: str = TEXT) -> list[float]:
    """What a good request with the text gets."""
    (found,) = NATIVE.ask(model, {"inputs": [text]}).results or []
    return list(found)


def lines_in(answer: Answer, status: int) -> list[str]:
    """The commands in an error's message."""
    assert answer.error is not None, answer
    assert answer.status == status, answer.error
    return CURL.findall(answer.error["message"])


def run_line(line: str, url: str, file: Path) -> object:
    """A command of a message, on the user's file and address."""
    command = f"set -o pipefail; {line.replace('FILE', str(file))} -fsS --noproxy '*' {url}"
    return json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout)


FILES = [
    pytest.param(TEXT.encode("utf-16"), PLAIN, 400, id="text in UTF-16"),
    pytest.param(TEXT.encode("cp1252"), PLAIN, 400, id="text in Windows-1252"),
    pytest.param(gzip.compress(TEXT.encode()), PLAIN, 415, id="text in gzip"),
    pytest.param(BODY.encode("utf-16"), TYPED, 400, id="JSON in UTF-16"),
    pytest.param(BODY.encode("utf-16-be"), [], 400, id="JSON in UTF-16 without a mark"),
    pytest.param(BODY.encode("cp1252"), TYPED, 400, id="JSON in Windows-1252"),
    pytest.param(gzip.compress(BODY.encode()), TYPED, 415, id="JSON in gzip"),
]


@pytest.mark.parametrize(("content", "options", "status"), FILES)
def test_a_file_by_curl(model: Model, tmp_path: Path, content: bytes, options: list[str], status: int) -> None:
    """A file by itself: curl -T FILE."""
    file = tmp_path / "file"
    file.write_bytes(content)
    lines = lines_in(run_curl(NATIVE.url(model), None, *options, "-T", str(file)), status)
    answer = run_line(lines[-1], NATIVE.url(model), file)
    assert answer == pytest.approx(vector(model), abs=1e-6)


def test_json_by_curl_without_a_type(model: Model, tmp_path: Path) -> None:
    """It arrives as a form, of which TorchServe leaves nothing; or with a = in it, pieces."""
    for body in (BODY, '{"inputs": "a=b&c"}'):
        for door in (NATIVE, V1, OPENAI):
            answer = door.read(post(door.url(model), body.encode(), {"content-type": FORM}))
            line = lines_in(answer, 415)[0]
            assert run_line(line, door.url(model), tmp_path)


FORM = "application/x-www-form-urlencoded"


def test_a_text_by_curl(model: Model, tmp_path: Path) -> None:
    """As a file with its type or none, as a form, and with the mark that Windows' editors write."""
    file = tmp_path / "file"
    file.write_text(TEXT, encoding="utf-8-sig")
    expected = pytest.approx(vector(model), abs=1e-6)
    assert run_curl(NATIVE.url(model), None, *PLAIN, "-T", str(file)).results == expected
    assert run_curl(NATIVE.url(model), None, "-T", str(file)).results == expected  # TorchServe's documents send it so
    for fields in (["-F", f"data=@{file}"], ["-F", f"data={TEXT}"], ["--data-urlencode", f"data={TEXT}"]):
        assert run_curl(NATIVE.url(model), None, *fields).results == expected


def test_a_text_that_could_be_json_needs_its_type(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("[Laughter] naïve", encoding="utf-8")
    (*_, line) = lines_in(run_curl(NATIVE.url(model), None, "-T", str(file)), 400)
    assert run_line(line, NATIVE.url(model), file) == pytest.approx(vector(model, "[Laughter] naïve"), abs=1e-6)


def test_the_bodies_of_torchserves_examples(tasks_server: Server, model: Model) -> None:
    """Its BERT example's, for TorchServe and for KServe, and its question-answering."""
    expected = pytest.approx(vector(model), abs=1e-6)
    assert NATIVE.ask(model, {"data": TEXT}).results == expected
    assert NATIVE.ask(model, {"text": TEXT}).results == expected
    assert V1.ask(model, {"instances": [{"data": TEXT}]}).results == [expected]
    source = {"question": "Who was Jim Henson?", "context": "Jim Henson was a nice puppet"}
    url = NATIVE.url(tasks_server.model(Task.QUESTION_ANSWERING))
    bare, wrapped = (post(url, json.dumps(body).encode(), JSON).json() for body in (source, {"inputs": source}))
    assert bare == {**wrapped, "score": pytest.approx(wrapped["score"], abs=1e-6)}


def test_requests_with_data_for_json(model: Model) -> None:
    def send(**how: object) -> Answer:
        with requests.Session() as session:
            session.trust_env = False
            return NATIVE.read(session.post(NATIVE.url(model), **how))  # type: ignore[arg-type]

    form = send(data={"inputs": "a"})
    assert form.error is not None
    assert (form.status, "json=, not data=" in form.error["message"]) == (422, True)
    written = send(data=str({"inputs": "a"}), headers=JSON)
    assert written.error is not None
    assert (written.status, "double quotes" in written.error["message"]) == (400, True)
    half = send(json={"inputs": "😀".encode("utf-16-le")[:2].decode("utf-16-le", "surrogatepass")})
    assert half.error is not None
    assert (half.status, r"\ud83d is half of a surrogate pair" in half.error["message"]) == (400, True)
    fetch = send(data=json.dumps({"inputs": "a"}), headers={"content-type": "text/plain;charset=UTF-8"})
    assert fetch.error is not None
    assert (fetch.status, "JSON object with 'inputs'" in fetch.error["message"]) == (422, True)


def test_lines_of_json(model: Model) -> None:
    answer = NATIVE.send(model, b'{"inputs": "a"}\n{"inputs": "b"}\n')
    assert answer.error is not None
    sent = answer.error["message"].rpartition("such as ")[2]
    assert len(NATIVE.send(model, sent.encode()).results or []) == 1


def test_grpc_with_json_for_a_text(tasks_server: Server, model: Model) -> None:
    """TorchServe's own client sends `data`."""
    answer = send_grpc(model, b"hello")
    assert answer.error is not None
    assert "one text in the input `data`" in answer.error["message"]
