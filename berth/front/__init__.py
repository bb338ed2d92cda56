"""The front: an HAProxy that takes the clients' addresses, where it is installed. Standard library only."""
