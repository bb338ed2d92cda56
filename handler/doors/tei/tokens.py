"""POST tokenize and decode: texts to the model's own tokens and back, without the model."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from ...config import MAX_TOKENS_PER_REQUEST
from ...errors import InvalidInput, TooManyTokens
from ...inputs import check_count
from ...parameters import choose_prompt
from ...payload import Answered, ModelIdentity, Token
from ...wire import convert
from ..advice import advise_json
from ..call import Call, FormedReply
from ..openai.embeddings import TokenId
from ..paths import Form

TOKENIZE = advise_json('{"inputs": "your text"}', '{"inputs": ["your text", "another"]}')
DECODE = advise_json('{"ids": [101, 102]}', '{"ids": [[101, 102], [101, 102]]}')
Ids = list[TokenId]


class TokenizeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of TEI's tokenize."""

    inputs: str | Annotated[list[str], Meta(min_length=1)]
    add_special_tokens: bool = True
    """Whether the tokens that the model reads around a text are among them."""
    prompt_name: str | None = None
    """Which of the checkpoint's prompts goes before each text. Absent: its default, if it has one."""


class DecodeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of TEI's decode."""

    ids: Annotated[list[TokenId | Ids], Meta(min_length=1, description="Ids of one text, or a list of such lists.")]
    skip_special_tokens: bool = True
    """Whether special tokens are left out of the text."""


def tokenize(value: object, model: ModelIdentity) -> Call:
    """Read a request with `inputs` and answer it; RequestError says what is wrong with it."""
    body = convert(value, TokenizeRequest, {"": f"send {TOKENIZE.several}"})
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    check_count(len(texts), "/inputs")
    prompt = choose_prompt(body.prompt_name, model.running.config)
    found: list[Sequence[Token]] = []
    for text in texts:
        found.append(model.running.tokenize(prompt + text, has_special=body.add_special_tokens))
        _check_tokens(found, "/inputs")
    return Call(item=Answered(found), reply=FormedReply(form=Form.TEI))


def decode(value: object, model: ModelIdentity) -> Call:
    """Read a request with `ids` and answer it; RequestError says what is wrong with it."""
    body = convert(value, DecodeRequest, {"": f"send {DECODE.json}, or a list of such lists"})
    lists = _read_ids(body.ids)
    check_count(len(lists), "/ids")
    _check_tokens(lists, "/ids")
    texts = [model.running.decode(ids, skips_special=body.skip_special_tokens) for ids in lists]
    return Call(item=Answered(texts), reply=FormedReply(form=Form.TEI))


def _read_ids(ids: list[int | list[int]]) -> list[list[int]]:
    """Return the ids of each text; those of one may stand alone."""
    lists = [each for each in ids if isinstance(each, list)]
    alone = [each for each in ids if isinstance(each, int)]
    if lists and alone:
        raise InvalidInput("ids mixes token ids with lists of them: send those of one text, or a list for each", "/ids")
    return lists or [alone]


def _check_tokens(found: Sequence[Sequence[object]], pointer: str) -> None:
    if (num_tokens := sum(map(len, found))) > MAX_TOKENS_PER_REQUEST:
        raise TooManyTokens(
            f"the request has {num_tokens} tokens or more, and {MAX_TOKENS_PER_REQUEST} are the most: send several",
            pointer,
        )
