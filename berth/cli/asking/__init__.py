"""`berth predict`: what it reads, how answers are written."""

from .command import COMMANDS

__all__ = ["COMMANDS"]
