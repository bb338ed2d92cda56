"""Cohere's embed and rerank, versions 1 and 2; Jina's and vLLM's rerank are the same."""
