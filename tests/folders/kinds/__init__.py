"""The kinds of folder, a file for each family: each holds KINDS, a tuple of Kind."""
