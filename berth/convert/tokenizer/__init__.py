"""A vocabulary becomes a tokenizer.json, and is compared with the tokenizer that it was made for."""
