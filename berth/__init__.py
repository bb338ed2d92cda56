"""berth: pack a BERT checkpoint, serve it, ask it. Runs on your machine or as the launcher, never in the worker."""

__version__ = "0.1.0"
