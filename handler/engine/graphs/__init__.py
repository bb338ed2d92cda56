"""CUDA graphs: packed forward passes of a few sizes, recorded once and run again without Python. Nothing on a CPU."""
