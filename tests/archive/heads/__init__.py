"""Archives with several heads."""
