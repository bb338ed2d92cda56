"""Makes docs/openapi.json from the types of the REST doors."""
