"""`berth audit`: how much of a corpus a model would never read."""
