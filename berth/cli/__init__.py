"""The `berth` command: options, tables and progress bars; the only room that prints and exits."""

from .app import main

__all__ = ["main"]
