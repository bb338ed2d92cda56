"""v2's description of a model, which its worker writes and which lists all versions of the name here."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

import msgspec

from .model_server import Answer, ModelServer
from .settings import GatewaySettings
from .terms import Terms


async def ask_metadata(settings: GatewaySettings, server: ModelServer, name: str, version: str, terms: Terms) -> Answer:
    """Ask a version, the default where none is named, to describe itself; ErrorAnswer for what is not served."""
    version = settings.version_of(name, version)
    answer = await server.ask("GET", f"/predictions/{quote(name)}/{quote(version)}/v2", terms)
    return replace(answer, body=with_versions(answer.body, settings.models[name]))


def with_versions(body: bytes, versions: Sequence[str]) -> bytes:
    """The description with these versions; a body that has none, such as an error, as it is."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    if not (isinstance(value, dict) and "versions" in value):
        return body
    return msgspec.json.encode({**value, "versions": versions})
