"""GLiClass models: which files say what, and what plain torch makes of them."""
