"""docs/openapi.json."""
