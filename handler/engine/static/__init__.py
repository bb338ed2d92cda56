"""Models without a transformer."""
