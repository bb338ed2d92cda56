"""`python -m berth.openapi` prints docs/openapi.json."""

import sys

from .document import render

sys.stdout.write(render())
