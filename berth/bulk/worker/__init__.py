"""What runs in a worker process of `berth bulk`: rows in, a part out. Of the handler it uses the archive's own."""
