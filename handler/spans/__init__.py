"""Spans of words that may be entities: which there are, and which of them are kept. No torch, and no checkpoint."""
