"""The benchmarks `python -m bench` (serving), `bench.packing` and `bench.openmp`; not in the wheel, nor in the image."""
