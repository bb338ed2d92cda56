"""What it means that the model raised: memory that ran out, a device that is lost, or an error of this batch alone."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import DeviceLost, InternalError, OutOfMemory, RequestError

logger = logging.getLogger(__name__)

# The RuntimeErrors that mean memory, beside torch.OutOfMemoryError: CUDA's own, cuBLAS', and torch's on a CPU.
NO_MEMORY = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "DefaultCPUAllocator: can't allocate memory")
EXIT_CODE = 1


def as_request_error(error: Exception, device: torch.device, num_texts: int = 1) -> RequestError:
    """Return the error that the texts of a forward pass share; raise DeviceLost where no other answer can follow."""
    if reason := why_lost(device):
        raise DeviceLost(f"{device} fails every call from now on, and only a new process gets it back: {reason}")
    if is_out_of_memory(error):
        logger.warning("out of memory: %s", _first_line(error))
        return OutOfMemory(
            "there is not enough memory even for this text alone: send shorter texts, or try again later"
        )
    if isinstance(error, NotImplementedError):  # the known answers find it out, and the other engine is used
        logger.warning("this engine cannot run this model: %s", error)
    elif num_texts > 1:  # the traceback comes with the text that fails alone
        logger.warning("forward pass failed, num_texts=%d: %s", num_texts, _first_line(error))
    else:
        logger.exception("forward pass failed")
    return InternalError("the model failed on this input; the server's log says why")


def why_lost(device: torch.device) -> str | None:
    """Return what the device says to one more call, if that fails; None while it works.

    A CUDA error is sticky (illegal address, device-side assert, launch failure, uncorrectable ECC, ...) if every later
    call fails with it, so a call is made: a list of codes and texts would not be complete. Where it succeeds, all that
    was begun has ended, and the memory that it read may be written again (PackedModel's staging).
    """
    if device.type != "cuda":
        return None
    try:
        torch.cuda.synchronize(device)
    except RuntimeError as error:
        return _first_line(error)
    return None


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether a smaller batch might fit."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in NO_MEMORY)


def free_cache(device: torch.device) -> None:
    """Give cached blocks back: those of a batch that failed fit no smaller one, and others may need them."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


@contextmanager
def ending_when_lost() -> Iterator[None]:
    """End the process at once where the device is lost in it; TorchServe starts another.

    TorchServe answers the batch with 500 "Worker died.". To answer it here first would cost the next batch, which the
    worker gets as soon as it has answered; so the batches that wait are left to workers that can answer them. And at
    once, because destructors call the device too, and may hang or abort.
    """
    try:
        yield
    except DeviceLost as error:
        logger.critical("this worker ends: %s", error)
        logging.shutdown()  # flushes
        os._exit(EXIT_CODE)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
