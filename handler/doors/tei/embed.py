"""POST embed: a list of vectors; embed_all, vectors of tokens, is refused."""

from typing import Annotated, NoReturn

from msgspec import Meta

from ...config import MAX_INPUTS_PER_REQUEST
from ...errors import UnknownPath
from ...parameters import Count
from ...payload import ModelIdentity, Request
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply, set_parameters
from ..openai.embeddings import TokenId, TokenIds, check_inputs, read_inputs
from ..paths import Form
from .truncating import HINTS, WORDS, Truncating

EXAMPLES = ('{"inputs": "your text"}', '{"inputs": ["your text", "another"]}')
ADVICE = advise_json(*EXAMPLES)
SEND_INPUTS = f"send {EXAMPLES[1]}, or token ids of the model's own tokenizer"


class EmbedRequest(Truncating, frozen=True, kw_only=True):
    """A request of TEI's embed."""

    inputs: Annotated[
        str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)],
        Meta(description=f"One text, at most {MAX_INPUTS_PER_REQUEST} texts, or the model's own token ids for texts."),
    ]
    normalize: bool = True
    """Vectors of length 1. false: as long as the model makes them."""
    prompt_name: str | None = None
    """Which of the checkpoint's prompts goes before each text. Absent: its default, if it has one."""
    dimensions: Count | None = None
    """Keep that many values of each vector."""


def open_call(value: object, model: ModelIdentity, kind: type[EmbedRequest] = EmbedRequest) -> Call:
    """Read a request with `inputs`, of TEI or of who adds to it; RequestError says what is wrong with it."""
    check_inputs(value, "inputs")
    body: EmbedRequest = convert(value, kind, {"": SEND_INPUTS, **HINTS})
    parameters = set_parameters(
        model.contract,
        normalize=body.normalize,
        prompt_name=body.prompt_name,
        dimensions=body.dimensions,
        **body.cut(),
    )
    request = Request(inputs=read_inputs(body.inputs, "inputs", SEND_INPUTS), parameters=parameters)
    return Call(item=request, reply=FormedReply(form=Form.TEI, words=WORDS))


def refuse_tokens(value: object, model: ModelIdentity) -> NoReturn:
    """Refuse a request for the vectors of single tokens."""
    raise UnknownPath("the vectors of single tokens are not given here: send the texts to embed, for one vector each")
