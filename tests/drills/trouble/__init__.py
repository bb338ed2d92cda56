"""What else goes wrong around a server and in it, each tried under a steady load whose every request is counted."""
