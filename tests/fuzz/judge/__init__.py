"""Whether an answer may be as it is."""
