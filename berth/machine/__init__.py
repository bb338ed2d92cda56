"""What this machine grants: memory, cores, GPUs."""
