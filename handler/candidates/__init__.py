"""Candidate labels that a model reads with a text, all at once, as GLiClass does. No torch, no checkpoint."""
