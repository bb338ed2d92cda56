"""One file for each client: its name, its version, its calls. It imports that client's package and no other."""
