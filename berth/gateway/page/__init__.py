"""The page to try the models, at /ui; the API's description, at /docs. docs/page.md shows them."""
