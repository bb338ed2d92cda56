"""`berth tune`: which split of this machine answers most requests in time, measured and kept beside the archive."""
