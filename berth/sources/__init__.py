"""Where a checkpoint comes from: an address becomes a local folder."""
