"""What the launcher tells its workers through environment variables, checked once, frozen after."""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeVar

from ..config import DEFAULT_MAX_BYTES, Device, LoneTexts
from ..errors import ConfigError

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the launcher tells its workers through environment variables."""

    device: Device
    """BERTH_DEVICE: where the model is to run."""
    cores: int
    """BERTH_CORES: what the machine grants all workers together. Without a launcher: this process's affinity mask."""
    max_response_bytes: int
    """TS_MAX_RESPONSE_SIZE: the frontend kills a worker whose answer is longer."""
    lone_texts: LoneTexts = LoneTexts.TORCH
    """BERTH_LONE_TEXTS: what reads a text that comes alone."""
    max_request_bytes: int = DEFAULT_MAX_BYTES
    """TS_MAX_REQUEST_SIZE: what the frontend passes on, and what a compressed body may be once it is unpacked."""

    @classmethod
    def read(cls) -> Self:
        """Read this process's environment; ConfigError for a value that cannot be meant."""
        return cls(
            device=_read_choice("BERTH_DEVICE", Device.AUTO),
            lone_texts=_read_choice("BERTH_LONE_TEXTS", LoneTexts.TORCH),
            cores=_read_number("BERTH_CORES", "cores", len(os.sched_getaffinity(0))),
            max_request_bytes=_read_number("TS_MAX_REQUEST_SIZE", "bytes", DEFAULT_MAX_BYTES),
            max_response_bytes=_read_number("TS_MAX_RESPONSE_SIZE", "bytes", DEFAULT_MAX_BYTES),
        )


def _read_choice(variable: str, default: E) -> E:
    """Return what an environment variable chooses; the default where it is not set."""
    value, choices = os.environ.get(variable, default), type(default)
    if value not in list(choices):
        raise ConfigError(f"{variable} is {value!r}; it must be one of {', '.join(choices)}")
    return choices(value)


def _read_number(variable: str, unit: str, default: int) -> int:
    """Return an environment variable's whole number; the default where it is not set."""
    value = os.environ.get(variable, str(default))
    if not value.isascii() or not value.isdigit():
        raise ConfigError(f"{variable} is {value!r}; it must be a number of {unit}")
    return int(value)
