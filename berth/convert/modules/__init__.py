"""Modules beside a transformer, in forms that are not sentence-transformers' own."""
