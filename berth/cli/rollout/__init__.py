"""`berth rollout`, `rollback`, `register` and `unregister`: what a running server serves, changed."""

from .command import COMMANDS

__all__ = ["COMMANDS"]
