"""The vectors that an embedding model makes of a text beside, or in the place of, one dense vector. No torch."""
