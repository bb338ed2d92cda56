"""Calls of gRPC: the Open Inference Protocol, health, reflection."""
