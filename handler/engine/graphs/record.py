"""Records a packed model's forward passes at load: all sizes, or as many as can be and are proven."""

import logging
import time
from collections.abc import Iterator, Sequence

import torch

from ...errors import DeviceLost
from ...text.encoded import EncodedText
from ..attention import has_kernel
from ..device_errors import free_cache, is_out_of_memory, why_lost
from ..model import PackedModel
from .buckets import Bucket, make_buckets
from .graphed_model import GraphedModel
from .proof import Proof
from .recorder import Recorder
from .static_pass import Output, StaticPass

logger = logging.getLogger(__name__)

NOT_ENOUGH = "there was not enough memory, or time, for one"
LIMIT_S = 20.0  # for all of them: each takes 15 ms, and a worker that starts has a minute


class NotRecorded(Exception):
    """Why this model has no recorded passes."""


def with_graphs(
    model: PackedModel, max_tokens: int, texts: Sequence[EncodedText], tolerance: float, record: Recorder
) -> GraphedModel:
    """Return the model with the passes that could be recorded and that give its own rows for `texts`.

    `max_tokens`: of its longest text; `texts`: the known ones; `tolerance`: see known_answers.TOLERANCES. Whatever
    could not be recorded runs as before, and the log and the model's notes say why.
    """
    try:
        with torch.inference_mode():
            passes = list(_record_each(model, max_tokens, Proof(model, texts), tolerance, record))
        note = f"{len(passes)} sizes, up to {passes[0].bucket.tokens} tokens" if passes else f"none: {NOT_ENOUGH}"
    except NotRecorded as error:
        passes, note = [], f"none: {error}"
    free_cache(model.placement.device)  # what trying out left
    logger.info("graphs=%r", note)
    return GraphedModel(model, passes[::-1], note)


def _record_each(
    model: PackedModel, max_tokens: int, proof: Proof, tolerance: float, record: Recorder
) -> Iterator[StaticPass]:
    """Yield proven passes, the largest first, for later ones lie in its memory."""
    placement = model.placement
    if not has_kernel(placement.device, placement.dtype):
        raise NotRecorded(f"in {placement.precision} the attention of each text is a call of its own")
    deadline_s = time.monotonic() + LIMIT_S
    buckets = make_buckets(placement.token_budget, max_tokens, model.readout.slot_cost)
    output = Output(max(bucket.slots for bucket in buckets))
    for bucket in reversed(buckets):
        places = proof.fill(bucket)
        if not places or time.monotonic() > deadline_s:  # smaller batches run in larger buckets
            return
        try:
            recorded = StaticPass(model, bucket, output, record)
            difference = proof.largest_difference(recorded, places)
        except Exception as error:  # noqa: BLE001 - whatever it is, the model runs without
            _leave_out(bucket, error, placement.device)
            continue
        if difference > tolerance:
            raise NotRecorded(f"the one of {bucket.tokens} tokens gives other answers: the difference is {difference}")
        yield recorded


def _leave_out(bucket: Bucket, error: Exception, device: torch.device) -> None:
    """Do without this size where there is no memory for it; NotRecorded where the model cannot be recorded at all."""
    reason = str(error).partition("\n")[0]
    if lost := why_lost(device):
        raise DeviceLost(f"{device} was lost while a graph was recorded: {lost}") from error
    if not is_out_of_memory(error):
        raise NotRecorded(f"{type(error).__name__}: {reason}") from error
    logger.warning("no memory for the graph of %d tokens: %s", bucket.tokens, reason)
