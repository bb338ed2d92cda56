"""berth/bulk with real archives and worker processes."""
