"""What the front tells of its requests: numbers for Prometheus, and a line for each."""
