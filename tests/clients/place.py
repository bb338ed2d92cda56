"""A server as a client is told of it, and its native door, which every other answer is compared with."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEXTS = ["hello world", "What is berth?", "Ähnliche Sätze, ein wenig länger."]
QUERY = "Which one is about cats?"
NO_KEY = "none"  # of a server that is not locked, for clients that want one
PACKAGES = Path(__file__).parents[2] / ".clients"  # where `make clients` installs the packages; git ignores it
NODE = PACKAGES / "node"
MAX_INPUTS = 256  # of one request
PATIENCE_S = 120.0
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, kw_only=True)
class Place:
    """The addresses of a server, and the models that it has."""

    url: str
    grpc: str
    """HOST:PORT, as that of management."""
    grpc_management: str
    models: tuple[str, ...]
    origin: str
    """Whose pages may ask it: the one that its cors_allowed_origin names."""
    protos: str
    """The folder with TorchServe's .proto files."""

    @property
    def model(self) -> str:
        """The first model, of a server of one the only one."""
        return self.models[0]

    @property
    def openai(self) -> str:
        """The base_url of OpenAI's clients."""
        return f"{self.url}/v1"

    def own(self, model: str | None = None) -> str:
        """A model's own address, below which it has every other protocol's paths."""
        return f"{self.url}/predictions/{model or self.model}/1.0"

    def native(self, inputs: object, parameters: Mapping[str, object] | None = None, model: str | None = None) -> Any:
        """The native door's results."""
        body = {"inputs": inputs, "parameters": parameters or {}}
        return self.ask(f"/predictions/{model or self.model}", body)

    def natives(self, inputs: list[str]) -> list[Any]:
        """The native door's results for any number of inputs."""
        starts = range(0, len(inputs), MAX_INPUTS)
        return [each for start in starts for each in self.native(inputs[start : start + MAX_INPUTS])]

    def scores(self, texts: list[str], model: str | None = None) -> list[float]:
        """The native door's score of each text for QUERY, in the order of the texts."""
        ranked = self.native({"query": QUERY, "texts": texts}, model=model)
        return [each["score"] for each in sorted(ranked, key=lambda each: int(each["index"]))]

    def ask(self, path: str, body: object | None = None) -> Any:
        """What the server answers in JSON; HTTPError when it refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})
        with _open(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def proto(self, name: str) -> Path:
        """One of TorchServe's .proto files."""
        return Path(self.protos, name)
