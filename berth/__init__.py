"""berth: pack a BERT checkpoint, serve it, ask it. Runs on your machine or as the launcher, which forks the workers."""

__version__ = "0.1.0"
