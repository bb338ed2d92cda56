"""What a worker's Python is started with, and the process that forks it."""
