"""The model on its device: weights, batches, forward passes."""
