"""Libraries that bring their own clients of several protocols."""
