"""What stands in for a GPU, and what tells whether a process has opened one."""
