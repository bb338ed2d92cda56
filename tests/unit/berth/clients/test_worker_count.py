"""How many workers a model may be given."""

import pytest

from berth.clients.worker_count import MAX_WORKERS, require_sensible
from berth.errors import UsageError


@pytest.mark.parametrize("workers", [1, MAX_WORKERS])
def test_what_a_machine_may_hold(workers: int) -> None:
    require_sensible(workers)


@pytest.mark.parametrize("workers", [-1, 0, MAX_WORKERS + 1])
def test_a_senseless_number(workers: int) -> None:
    with pytest.raises(UsageError, match=f"^{workers} workers: ask for 1 to {MAX_WORKERS}"):
        require_sensible(workers)
