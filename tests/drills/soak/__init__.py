"""Hours of mixed load: whether memory and latency stay flat."""
