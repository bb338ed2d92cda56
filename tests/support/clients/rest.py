"""The doors that take JSON by POST, asked with requests: where each is, and how its answers are read."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from .answers import ANSWER_TIMEOUT_S, Answer, Model, bare_error, error_with_message, wrapped_error
from .pointers import leads_somewhere

JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestDoor:
    """One address of a model, and what its bodies look like."""

    path: str
    take: Callable[[Any], list[Any]]
    """The native results in the body of a 200."""
    refuse: Callable[[Any], dict[str, Any]]
    """The contract's error in the body of any other status."""

    def url(self, model: Model) -> str:
        """Where the model has this door."""
        return model.url + self.path.format(name=model.name, version=model.version)

    def send(self, model: Model, body: bytes, headers: Mapping[str, str] = JSON) -> Answer:
        """Any bytes, with exactly these headers of ours."""
        return self.read(post(self.url(model), body, headers))

    def ask(self, model: Model, body: Mapping[str, Any]) -> Answer:
        """A body as JSON; an error points into it."""
        answer = self.send(model, json.dumps(body).encode())
        assert answer.error is None or leads_somewhere(answer.error["param"], body), answer.error
        return answer

    def read(self, response: requests.Response) -> Answer:
        """An answer whose status and body agree."""
        assert response.headers["content-type"] == "application/json"
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code == 200:
            return Answer(status=200, results=self.take(response.json()), headers=headers)
        error = self.refuse(response.json())
        assert error["code"] == response.status_code
        return Answer(status=response.status_code, error=error, headers=headers)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
    """One request on a connection of its own, past any proxy of the environment."""
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=body, headers=dict(headers), timeout=ANSWER_TIMEOUT_S)


def without_truncated(value: Any) -> Any:
    """A body without the places of what was cut: there are some where it has that field."""
    assert "truncated" not in value or (cut := value["truncated"]) == sorted(set(cut)) != [], value
    return {name: each for name, each in value.items() if name != "truncated"}


def under(key: str) -> Callable[[Any], list[Any]]:
    """The results of a body that has them under this key, beside what was cut and nothing else."""

    def take(value: Any) -> list[Any]:
        value = without_truncated(value)
        assert list(value) == [key], value
        return list(value[key])

    return take


def openai_vectors(value: Any) -> list[Any]:
    """The vectors of an OpenAI list, as they stand there."""
    assert list(without_truncated(value)) == ["object", "data", "model", "usage"], value
    assert value["object"] == "list"
    assert [(each["object"], each["index"]) for each in value["data"]] == [
        ("embedding", index) for index in range(len(value["data"]))
    ]
    return [each["embedding"] for each in value["data"]]


NATIVE = RestDoor(path="/predictions/{name}", take=list, refuse=bare_error)
EXPLANATIONS = RestDoor(path="/explanations/{name}", take=list, refuse=bare_error)
V1 = RestDoor(path="/v1/models/{name}:predict", take=under("predictions"), refuse=error_with_message)
V1_EXPLAIN = RestDoor(path="/v1/models/{name}:explain", take=under("explanations"), refuse=error_with_message)
OPENAI = RestDoor(path="/predictions/{name}/{version}/v1/embeddings", take=openai_vectors, refuse=wrapped_error)


def with_parameters(body: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The body; with parameters, if there are any."""
    return {**body, "parameters": dict(parameters)} if parameters else body


def ask_native(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """POST /predictions/{model}."""
    return NATIVE.ask(model, with_parameters({"inputs": inputs}, parameters))


def ask_v1(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """KServe v1."""
    return V1.ask(model, with_parameters({"instances": inputs}, parameters))
