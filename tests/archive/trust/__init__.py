"""Signed archives, what differs between two, and their bill of materials, as a user types the commands."""
