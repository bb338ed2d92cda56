"""A checkpoint of another form becomes one of today's: safetensors, config.json, tokenizer.json."""
