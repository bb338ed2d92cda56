"""The benchmark: load generation, rivals, statistics, report."""
