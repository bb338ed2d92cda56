"""How many workers a model may have, whoever asks: the command line, REST or gRPC. Imports no client library."""

from ..errors import UsageError

# Far above what a machine holds. TorchServe checks nothing: with a billion its own memory runs out and the server ends.
# At 0 its REST API switches the model off, and its gRPC API takes anything below 1 for 1.
MAX_WORKERS = 64


def require_sensible(workers: int) -> None:
    """UsageError unless a model can be served by this many workers."""
    if not 1 <= workers <= MAX_WORKERS:
        raise UsageError(
            f"{workers} workers: ask for 1 to {MAX_WORKERS}. Without a worker a model refuses every request, and each "
            "worker is a process; to end a model, stop the server"
        )
