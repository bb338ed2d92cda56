"""Every task on every architecture beside transformers: `python -m tests.equality` makes docs/equality.md."""
