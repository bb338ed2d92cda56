"""The `berth` command: options, tables and bars; the only room that prints results and chooses exit codes."""

from .app import main

__all__ = ["main"]
