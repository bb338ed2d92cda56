"""The addresses of text-embeddings-inference (TEI), as its openapi.json has them."""
