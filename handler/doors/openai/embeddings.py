"""OpenAI's embeddings: POST /predictions/{model}/{version}/v1/embeddings, so base_url ends with {version}/v1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ...config import MAX_INPUTS_PER_REQUEST, MAX_TOKENS_PER_REQUEST
from ...contract import Contract
from ...errors import InvalidInput, InvalidParameter, RequestError
from ...inputs import TextInput, check_count
from ...parameters import LARGEST, Count, EncodingFormat, Parameters, describe_parameters
from ...payload import ModelIdentity, Prediction, Request, Response
from ...vectors.settings import Kind
from ...vectors.sparse import kind_of
from ...wire import convert
from ..advice import advise_json
from ..call import Call, count_headers, count_usage, encode_error, encoding_of, format_value, refuse, say_truncated

SEND_INPUT = 'send {"input": "your text"}, a list of texts, or token ids of the model\'s own tokenizer'
ADVICE = advise_json('{"input": "your text"}', '{"input": ["your text", "another"]}')
PARAMETER_FIELDS = ("parameters", "model", "encoding_format", "dimensions", "user")
BESIDE = ("encoding_format", "dimensions")  # parameters of berth that OpenAI has beside the input
# What Jina has beside OpenAI's fields. null and false ask for nothing.
JINA = {
    "task": "task is not read here: a prompt of the checkpoint is chosen by prompt_name, among the parameters",
    "late_chunking": "late_chunking is not done here, where each text has its own vector: leave it out",
}
TokenId = Annotated[int, Meta(ge=0, le=LARGEST)]
TokenIds = Annotated[list[TokenId], Meta(min_length=1, max_length=MAX_TOKENS_PER_REQUEST)]


class EmbeddingsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request of OpenAI's embeddings."""

    input: Annotated[
        str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)],
        Meta(
            description="One text, texts, token ids of one text, or a list of such lists; at most "
            f"{MAX_INPUTS_PER_REQUEST} texts. Ids are the model's own, special tokens included."
        ),
    ]
    model: str | None = None
    """Ignored: the address names the model."""
    encoding_format: EncodingFormat | None = None
    """float, which absence means, or base64: the bytes of little-endian float32."""
    dimensions: Count | None = None
    user: str | None = None
    """Ignored."""


@cache
def body_of(contract: Contract) -> Any:
    """Return the type of a request's body: OpenAI's, and berth's own `parameters`."""
    return msgspec.defstruct(
        "EmbeddingsBody",
        [("parameters", contract.parameters, contract.parameters())],
        bases=(EmbeddingsRequest,),
        namespace={"__doc__": "The request of OpenAI's embeddings, and berth's own `parameters`."},
        frozen=True,
        kw_only=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingsReply:
    """A list of vectors, and how many tokens they took."""

    model: str = ""
    encoding: EncodingFormat = EncodingFormat.FLOAT
    beside: frozenset[str] = frozenset()
    """Which parameters stood beside the input, and not among the parameters."""

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """Write a 200 with the vectors in order."""
        data = [
            {"object": "embedding", "index": index, **_lay_out(prediction.value)}
            for index, prediction in enumerate(predictions)
        ]
        beside = {"model": self.model, "usage": count_usage(predictions), **say_truncated(predictions)}
        value = {"object": "list", "data": data, **beside}
        return format_value(value, count_headers(predictions), self.encoding)

    def format_error(self, error: RequestError) -> Response:
        """Write the error object inside `error`."""
        value = encode_error(error)
        name = (error.param or "").removeprefix("/parameters/")
        if name in self.beside:
            value["param"] = f"/{name}"
        return refuse(error, {"error": value})


def _lay_out(value: Any) -> dict[str, object]:
    """The dense vector where OpenAI has it, an empty one where there is none, and others by kind as `vectors`."""
    kinds = {str(kind_of(value)): value} if not isinstance(value, dict) else value
    others = {kind: each for kind, each in kinds.items() if kind != Kind.DENSE}
    return {"embedding": kinds.get(Kind.DENSE, ()), **({"vectors": others} if others else {})}


def open_call(value: object, model: ModelIdentity) -> Call:
    """Read a request with `input`; RequestError says what is wrong with it."""
    hints = {
        "": SEND_INPUT,
        "encoding_format": "it must be float or base64",
        "dimensions": "it must be the number of values to keep",
        "parameters": describe_parameters(model.contract.parameters, model.contract.task),
    }
    value = _refuse_jina(value)
    check_inputs(value, "input")
    body = convert(value, body_of(model.contract), hints, parameter_fields=PARAMETER_FIELDS)
    beside = {name: value for name in BESIDE if (value := getattr(body, name)) is not None}
    parameters = _add(beside, body.parameters)
    request = Request(inputs=read_inputs(body.input, "input", SEND_INPUT), parameters=parameters, param="/input")
    reply = EmbeddingsReply(model=model.name, encoding=encoding_of(parameters), beside=frozenset(beside))
    return Call(item=request, reply=reply)


def _refuse_jina(value: object) -> object:
    """Return the body without Jina's own fields, if they ask for nothing."""
    if not isinstance(value, dict) or not JINA.keys() & value.keys():
        return value
    for name, reason in JINA.items():
        if value.get(name):
            raise InvalidParameter(reason, f"/{name}")
    return {name: item for name, item in value.items() if name not in JINA}


def _add(beside: Mapping[str, object], parameters: Parameters) -> Parameters:
    """Return the parameters with OpenAI's own, which a request may give in either place."""
    defaults = type(parameters)()
    for name in beside:
        if getattr(parameters, name) != getattr(defaults, name):
            raise InvalidParameter(f"{name} is given twice, once in parameters: send only one", f"/{name}")
    return msgspec.structs.replace(parameters, **beside)


def check_inputs(value: object, field: str) -> None:
    """Count texts and lists of a body's field before they are read; the ids of one text are not inputs."""
    inputs = value.get(field) if isinstance(value, dict) else None
    if isinstance(inputs, list) and not all(isinstance(item, int) for item in inputs):
        check_count(len(inputs), f"/{field}")


def read_inputs(value: str | list[str | int | list[int]], field: str, advice: str) -> tuple[TextInput, ...]:
    """Return the texts of a body's field, or the token ids in their place; `advice` says what to send for a mixture."""
    if isinstance(value, str):
        return (TextInput(text=value, param=f"/{field}"),)
    kinds = {type(item) for item in value}
    if len(kinds) > 1:
        raise InvalidInput(f"{field} mixes texts and token ids: {advice}", f"/{field}")
    if kinds == {int}:
        return (_from_ids(value, f"/{field}"),)
    return tuple(
        TextInput(text=item, param=f"/{field}/{place}")
        if isinstance(item, str)
        else _from_ids(item, f"/{field}/{place}")
        for place, item in enumerate(value)
    )


def _from_ids(ids: object, param: str) -> TextInput:
    assert isinstance(ids, list)
    return TextInput(text="", token_ids=tuple(ids), param=param)
