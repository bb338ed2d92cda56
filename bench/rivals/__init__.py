"""What berth is measured beside: another way of serving, and the model with nothing around it."""
