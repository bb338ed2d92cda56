"""Altered archives: each must be refused, by the digests or, where these were rewritten, by the signature."""
