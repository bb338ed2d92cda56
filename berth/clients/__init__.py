"""REST, gRPC and management clients of a running server."""
