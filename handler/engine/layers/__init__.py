"""Encoder layers as a CPU runs them quickest, in the place of transformers' own."""
