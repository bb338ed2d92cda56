"""What the folders of other libraries look like: their settings read, and which of their models are served."""
