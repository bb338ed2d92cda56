"""Addresses of HTTP: lists of models, readiness, and requests that name their model in the body or need several."""
