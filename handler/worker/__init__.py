"""What is around the model in a worker: its start, its cores, its packages, its metrics."""
