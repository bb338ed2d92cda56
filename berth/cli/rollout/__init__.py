"""`berth rollout`, `rollback`, `register`, `default` and `unregister`: what a running server serves, changed."""

from .command import COMMANDS

__all__ = ["COMMANDS"]
