"""How many workers a model may be given, whoever asks: the command line, REST or gRPC. Imports no client library."""

from ..errors import UsageError

# Far above what a machine holds. TorchServe believes any number; of a billion its own memory runs out, and all of the
# server ends. Of 0 its REST API switches the model off, while its gRPC API takes anything less than 1 for 1.
MAX_WORKERS = 64


def require_sensible(workers: int) -> None:
    """UsageError unless a model can be served by this many workers."""
    if not 1 <= workers <= MAX_WORKERS:
        raise UsageError(
            f"{workers} workers: ask for 1 to {MAX_WORKERS}. Without a worker a model refuses every request, and each "
            "is a process with a copy of it; to end a model, stop the server"
        )
