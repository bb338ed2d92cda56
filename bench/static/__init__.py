"""Static embeddings beside a transformer."""
