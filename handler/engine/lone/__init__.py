"""A lone text's forward pass by another engine than torch, where somebody asked for that (BERTH_LONE_TEXTS)."""
