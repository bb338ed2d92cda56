"""The tests; first of all, how torch's threads wait in them."""

import os

# Before torch is imported: spinning threads take ten times as long when a server under test shares the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
