"""Models whose attention knows how far tokens are from each other: MPNet, DeBERTa-v2 and -v3."""
