"""How much of the engine's own rate `berth bulk` keeps."""
