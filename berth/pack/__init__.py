"""A checkpoint becomes a proven archive."""
