"""Further heads on a checkpoint's encoder."""
