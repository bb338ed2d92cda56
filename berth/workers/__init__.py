"""The environment of a worker's Python, and the process that forks workers."""
