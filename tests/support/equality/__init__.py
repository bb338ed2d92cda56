"""Cases of every task, what transformers answers to them, and how answers are compared."""
