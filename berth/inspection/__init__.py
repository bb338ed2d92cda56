"""What an archive is, or would be: read from its members, for people and for programs."""
