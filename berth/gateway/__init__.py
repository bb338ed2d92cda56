"""What no proxy can translate: v2 over gRPC, health and reflection, lists of models, large requests for embeddings."""
