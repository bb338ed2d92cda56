"""What is read off the model's output: the record of a readout, and those that need more than a few lines."""
