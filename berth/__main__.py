"""`python -m berth`: the `berth` command."""

from .cli import main

main()
