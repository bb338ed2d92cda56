"""Several heads on one encoder."""
