"""OpenAI's embeddings, asked with OpenAI's own package."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from openai import APIStatusError, DefaultHttpxClient, OpenAI

from .answers import ANSWER_TIMEOUT_S, Answer, Model, wrapped_error


@contextmanager
def openai_client(model: Model) -> Iterator[OpenAI]:
    """The package with the model's base_url; past any proxy, and an error is an error at once."""
    base_url = f"{model.url}/predictions/{model.name}/{model.version}/v1"
    with (
        DefaultHttpxClient(trust_env=False, timeout=ANSWER_TIMEOUT_S) as http,
        OpenAI(base_url=base_url, api_key="none", max_retries=0, http_client=http) as client,
    ):
        yield client


def ask_for_floats(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """Vectors as JSON numbers."""
    return _embed(model, inputs, parameters, encoding_format="float")


def ask_for_base64(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """As the package asks by itself: it wants base64, and decodes that."""
    return _embed(model, inputs, parameters)


def _embed(model: Model, inputs: list[Any], parameters: Mapping[str, Any], **options: Any) -> Answer:
    """`dimensions` is OpenAI's own; all other parameters are berth's."""
    own = {name: value for name, value in parameters.items() if name == "dimensions"}
    others = {name: value for name, value in parameters.items() if name not in own}
    extra: dict[str, Any] = {"extra_body": {"parameters": others}} if others else {}
    with openai_client(model) as client:
        try:
            raw = client.embeddings.with_raw_response.create(input=inputs, model=model.name, **own, **extra, **options)
        except APIStatusError as error:
            return read_error(error)
        return Answer(
            status=raw.status_code, results=[each.embedding for each in raw.parse().data], headers=dict(raw.headers)
        )


def read_error(error: APIStatusError) -> Answer:
    """The error in the body, which the package has understood alike."""
    value = wrapped_error(error.response.json())
    assert value["code"] == error.status_code
    assert (error.code, error.type, error.param) == (str(value["code"]), value["type"], value["param"])
    return Answer(status=error.status_code, error=value, headers=dict(error.response.headers))
