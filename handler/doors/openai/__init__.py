"""OpenAI's embeddings, and what vLLM answers beside them in the same form."""
