"""One real client for each door: native inputs and parameters in, native results or the contract's error out.

A client checks its own door's dress on the way - every key of an answer and of an error - so that what is left can be
compared between doors.
"""

from collections.abc import Collection
from dataclasses import dataclass

from handler.config import Task

from .answers import ERROR_KEYS, Answer, Asking, Model
from .curl import ask_by_curl
from .grpc_calls import ask_predictions, ask_stream
from .infer_grpc import ask_infer_grpc
from .infer_rest import ask_infer_rest
from .infer_triton import ask_infer_triton
from .openai_package import ask_for_base64, ask_for_floats
from .pointers import Pointer, at_input, at_inputs, at_instances, at_tensors
from .rest import ask_native, ask_v1

__all__ = ["DOORS", "Answer", "Door", "Model"]

EVERY_TASK = frozenset(Task)
ONLY_EMBEDDINGS = frozenset({Task.EMBEDDINGS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A door as one client goes through it."""

    ask: Asking
    point: Pointer
    """Where this door's client puts a place of the native body."""
    tasks: frozenset[Task] = EVERY_TASK
    says: Collection[str] = ERROR_KEYS
    """The keys of an error that its client shows."""


DOORS: dict[str, Door] = {
    "native": Door(ask=ask_native, point=at_inputs),
    "native by curl": Door(ask=ask_by_curl, point=at_inputs),
    "KServe v1": Door(ask=ask_v1, point=at_instances),
    "v2": Door(ask=ask_infer_rest, point=at_tensors),
    "v2 by tritonclient": Door(ask=ask_infer_triton, point=at_tensors, says=("code", "message")),
    "v2 by gRPC": Door(ask=ask_infer_grpc, point=at_tensors),
    "OpenAI": Door(ask=ask_for_floats, point=at_input, tasks=ONLY_EMBEDDINGS),
    "OpenAI in base64": Door(ask=ask_for_base64, point=at_input, tasks=ONLY_EMBEDDINGS),
    "gRPC Predictions": Door(ask=ask_predictions, point=at_inputs),
    "gRPC StreamPredictions": Door(ask=ask_stream, point=at_inputs),
}
