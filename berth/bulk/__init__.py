"""`berth bulk`: files of texts through an archive, in this command's own worker processes, resumable at any moment."""
