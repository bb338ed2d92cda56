"""What the model reads for an input: passages, tokens, windows."""
