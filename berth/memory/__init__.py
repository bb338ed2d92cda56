"""Whether a server fits into the memory that there is."""
