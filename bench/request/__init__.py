"""What a request costs on the CPU, without the model: parsing, tokens, heads, writing."""
