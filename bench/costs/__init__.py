"""What texts cost: prices with their sources, and rates that benchmarks measured."""
