"""`berth bulk`: its options, its progress and its summary."""

from .command import COMMANDS

__all__ = ["COMMANDS"]
