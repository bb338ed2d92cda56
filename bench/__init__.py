"""Benchmarks: `python -m bench` (serving), `bench.packing` and `bench.openmp`; in neither the wheel nor the image."""
