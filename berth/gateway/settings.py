"""What the launcher tells the gateway: one JSON object, its only argument."""

import sys
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta

from ..errors import UsageError
from .error_answer import ErrorAnswer

Positive = Annotated[int, Meta(gt=0)]


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateway listens, whom it asks, and what is served."""

    http: str
    """Path of the unix socket for HTTP, or HOST:PORT; made last: once it is there, both accept."""
    grpc: str | None
    """Path of the unix socket for gRPC; None: there is no front, and TorchServe answers gRPC itself."""
    server: str
    """Who answers predictions: unix:/PATH or http://HOST:PORT."""
    behind: str | None = None
    """Who answers the rest of what was begun once `server` takes no more connections, because it is ended."""
    health: str
    """The launcher's health address, http://HOST:PORT."""
    management: str
    """TorchServe's management address, http://HOST:PORT."""
    metrics: str
    """TorchServe's metrics address, http://HOST:PORT."""
    models: Annotated[dict[str, Annotated[list[str], Meta(min_length=1)]], Meta(min_length=1)]
    """Each model's versions, of which the first is the default."""
    contents: dict[str, str] = {}
    """Of each NAME/VERSION that `management` knows, defaults first, the id of its content: a sha256 in hex, or ""."""
    max_request_bytes: Positive
    """TorchServe's max_request_size: the longest body of one request."""
    refusals: dict[str, tuple[int, str]] = {}
    """What a gRPC call gets that the front refuses: code and message for each reason in its metadata `x-refusal`."""
    grace_s: Annotated[float, Meta(ge=0)]
    """How long what was accepted may take once the gateway is asked to end."""

    @classmethod
    def read(cls, arguments: Sequence[str]) -> "GatewaySettings":
        """Read the command line's only argument; UsageError says what is wrong with it."""
        try:
            (argument,) = arguments
            return msgspec.json.decode(argument, type=cls)
        except ValueError as error:  # msgspec's are its subclasses
            raise UsageError(f"berth.gateway takes one argument, its settings as a JSON object: {error}") from error

    @property
    def command(self) -> list[str]:
        """The command that starts a gateway with these settings."""
        return [sys.executable, "-P", "-m", "berth.gateway", msgspec.json.encode(self).decode()]

    @property
    def has_front(self) -> bool:
        """Whether HAProxy is before the gateway."""
        return self.grpc is not None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Who is asked, the first that can be connected to."""
        return (self.server, self.behind) if self.behind else (self.server,)

    @property
    def default_model(self) -> str:
        """The model that answers for an address which names none."""
        return next(iter(self.models))

    @property
    def names(self) -> str:
        """The models' names, for a sentence."""
        return ", ".join(self.models)

    def path_of(self, model: str, path: str) -> str:
        """Where a model's own address for /PATH is."""
        return f"/predictions/{quote(model)}/{quote(self.models[model][0])}{path}"

    def version_of(self, model: str, version: str = "") -> str:
        """The version that is meant, the default where none is named; ErrorAnswer for what is not served."""
        versions = self.models.get(model)
        if versions is None:
            raise ErrorAnswer(404, "UnknownModel", f"there is no model {model!r} here: this server has {self.names}")
        if version and version not in versions:
            has = f"this server has version {', '.join(versions)}"
            raise ErrorAnswer(404, "UnknownModel", f"there is no version {version!r} of {model} here: {has}")
        return version or versions[0]
