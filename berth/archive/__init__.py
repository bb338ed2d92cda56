"""What a .mar is: written, read, verified, unpacked."""
