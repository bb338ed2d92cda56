"""How fast a CPU answers in fp32 and in what `berth pack --precision fastest` has proven."""
