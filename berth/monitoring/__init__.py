"""What is seen of a running server from outside: the launcher's own numbers, alert rules, a dashboard."""
