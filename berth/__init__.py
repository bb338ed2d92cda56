"""berth: pack a BERT checkpoint, serve it, deploy it. Runs on your machine or as the container's launcher, never in the worker."""

__version__ = "0.1.0"
