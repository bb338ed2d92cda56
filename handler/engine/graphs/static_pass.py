"""One recorded forward pass: the memory that it reads, how a batch gets there, and what comes out."""

import torch
from torch import Tensor

from ...tasks.kind import Row
from ..model import PackedModel
from ..packing import NUM_ROWS, PackedBatch, TextBounds
from .buckets import Bucket
from .recorder import Recorder


class Output:
    """The memory that all passes of a model end in, so that none keeps its own in the graphs' pool."""

    def __init__(self, most_slots: int) -> None:
        """`most_slots`: of any of them; the first one has most tokens."""
        self._most_slots = most_slots
        self._rows: Tensor | None = None

    def put(self, rows: Tensor) -> Tensor:
        """Copy rows [R, width] there as float32 and return them: one for each slot, or for each token."""
        if self._rows is None:
            shape = max(len(rows), self._most_slots), *rows.shape[1:]
            self._rows = torch.empty(shape, dtype=torch.float32, device=rows.device)
        return self._rows[: len(rows)].copy_(rows)


class StaticPass:
    """A model's forward pass over a stream of the bucket's size, whose memory stays where it is.

    Rows of the stream behind the last text belong to no text, and slots behind it are empty: they begin and end where
    it ends. What the model makes of them is never read.
    """

    def __init__(self, model: PackedModel, bucket: Bucket, output: Output, record: Recorder) -> None:
        self.bucket = bucket
        self._model = model
        self._output = output
        device = model.placement.device
        size = NUM_ROWS * bucket.tokens + bucket.slots + 1
        self._staging = torch.zeros(size, dtype=torch.int64, pin_memory=device.type == "cuda")
        self._staging[NUM_ROWS * bucket.tokens + 1 :] = 1  # one text of one token
        self._input = self._staging.to(device)
        self._recording = record(self._compute)

    def run(self, batch: PackedBatch) -> list[Row]:
        """Return what PackedModel.forward does, for a batch that the bucket holds."""
        self._fill(batch)
        self._input.copy_(self._staging, non_blocking=True)
        self._recording.replay()
        readout = self._model.readout
        rows = readout.choose(self._recording.output, batch.texts, self.bucket.slots)
        rows = rows[: readout.num_rows(batch.texts)]
        return readout.split(rows.to("cpu", copy=True).numpy(), batch.texts)  # the next replay writes there again

    def _fill(self, batch: PackedBatch) -> None:
        """Lay the batch out as the bucket's input. Whoever replays waits for the device, so nothing reads it now."""
        total, tokens = batch.num_tokens, self.bucket.tokens
        staging = self._staging.numpy()
        stream, offsets = staging[: NUM_ROWS * tokens].reshape(NUM_ROWS, tokens), staging[NUM_ROWS * tokens :]
        stream[:, :total] = batch.buffer[: NUM_ROWS * total].reshape(NUM_ROWS, total)
        stream[:, total:] = 0  # an id, a position and a type that every model has
        offsets[: len(batch.texts) + 1] = batch.buffer[NUM_ROWS * total :]
        offsets[len(batch.texts) + 1 :] = total

    def _compute(self) -> Tensor:
        bucket = self.bucket
        stream = self._input[: NUM_ROWS * bucket.tokens].view(NUM_ROWS, 1, bucket.tokens)
        offsets = self._input[NUM_ROWS * bucket.tokens :]
        bounds = TextBounds(
            lengths=[],
            starts=offsets[:-1].clamp(max=bucket.tokens - 1),
            offsets=offsets.int(),
            longest=bucket.longest,
            slots=bucket.slots,
        )
        return self._output.put(self._model.compute(stream, bounds))
