"""Where a run's files lie: inputs are found and read, parts and their manifest are kept. The rest knows no place."""
