"""Versions of a model that say which they are, and clients that never pause."""
