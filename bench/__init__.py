"""Benchmarks: `python -m bench` (serving), `bench.packing` and `bench.openmp`; neither in the wheel nor in the image."""
