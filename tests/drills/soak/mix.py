"""What the clients of a soak send: several tasks by several doors, errors among them, and who hangs up."""

import http.client
import json
import random
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from handler.config import Task
from tests.support.clients.answers import Model
from tests.support.clients.grpc_calls import ask_predictions
from tests.support.servers import Server

MODELS = {Task.TEXT_CLASSIFICATION: "bert", Task.TOKEN_CLASSIFICATION: "distilbert", Task.TEXT_RANKING: "roberta"}
"""Small models beside the sample, and their architectures; each is named like its task."""
ANSWER_TIMEOUT_S = 60.0
JSON = {"content-type": "application/json"}
WORDS = ("a", "boat", "on", "the", "river", "in", "cold", "morning", "people", "wait", "for", "it", "at", "quay")
MOST_WORDS, MOST_TEXTS = 60, 8


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of request, and how it is to end."""

    path: str
    body: Callable[[list[str]], object]
    """Made of some texts."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


KINDS = {
    "native": Kind(path="/predictions/bert", body=lambda texts: {"inputs": texts}),
    "OpenAI": Kind(path="/predictions/bert/1.0/v1/embeddings", body=lambda texts: {"model": "bert", "input": texts}),
    "TEI": Kind(path="/predictions/bert/1.0/embed", body=lambda texts: {"inputs": texts}),
    "KServe v1": Kind(path="/v1/models/text-classification:predict", body=lambda texts: {"instances": texts}),
    "v2": Kind(
        path="/v2/models/token-classification/infer",
        body=lambda texts: {
            "inputs": [{"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": texts}],
        },
    ),
    "Cohere": Kind(
        path="/predictions/text-ranking/1.0/v2/rerank",
        body=lambda texts: {"model": "text-ranking", "query": "a boat", "documents": texts},
    ),
    "explanation": Kind(path="/explanations/text-classification", body=lambda texts: {"inputs": texts[0][:40]}),
    "no JSON": Kind(path="/predictions/bert", body=lambda texts: texts[0], status=400),
    "no such model": Kind(path="/predictions/nobody", body=lambda texts: {"inputs": texts}, status=404),
    "too many": Kind(path="/predictions/bert", body=lambda texts: {"inputs": texts * 257}, status=413),
}
GRPC, HANGS_UP = "gRPC", "hangs up"
MIX = ("native", *KINDS, GRPC, HANGS_UP)


class Client:
    """Sends one request after another through a connection that it keeps."""

    def __init__(self, server: Server, seed: int) -> None:
        self._random = random.Random(seed)
        self._server = server
        self._connection = self._open()

    def send(self) -> tuple[str, str]:
        """Send the next request: its kind, and "" where it ended as it should, else how it ended."""
        kind, texts = self._random.choice(MIX), list(self._texts())
        try:
            if kind == GRPC:
                model = Model(name="bert", url="", grpc_address=f"127.0.0.1:{self._server.grpc_port}")
                status, wanted = ask_predictions(model, texts, {}).status, 200
            elif kind == HANGS_UP:
                return kind, self._hang_up(texts)
            else:
                status, wanted = self._post(KINDS[kind], texts), KINDS[kind].status
        except (OSError, http.client.HTTPException) as error:
            self._connection = self._open()
            return kind, type(error).__name__
        return kind, "" if status == wanted else str(status)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _texts(self) -> Iterator[str]:
        for _ in range(self._random.randint(1, MOST_TEXTS)):
            yield " ".join(self._random.choices(WORDS, k=self._random.randint(3, MOST_WORDS)))

    def _post(self, kind: Kind, texts: list[str]) -> int:
        made = kind.body(texts)
        body = made if isinstance(made, str) else json.dumps(made)
        self._connection.request("POST", kind.path, body, dict(kind.headers))
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def _hang_up(self, texts: list[str]) -> str:
        body = json.dumps({"inputs": texts}).encode()
        head = f"POST /predictions/bert HTTP/1.1\r\nhost: b\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self._server.ports["inference"])) as connection:
            connection.sendall(head + body[: self._random.randint(0, len(body))])
        return ""

    def _open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._server.ports["inference"], timeout=ANSWER_TIMEOUT_S)
