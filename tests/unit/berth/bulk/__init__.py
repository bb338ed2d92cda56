"""berth/bulk without an engine."""
