"""The rival: our own writing of a TorchServe handler that works as upstream's Hugging Face example does.

It tokenises each request by itself, pads it to 150 tokens, concatenates the batch, runs one masked forward pass
and answers per request. Unlike the example it embeds (mean pooling, normalised), as berth's sample does, so that
both answer the same question; and it has what costs a user nothing: every core for its one worker, inference
mode, PyTorch's scaled dot product attention, compact JSON. It travels alone: it imports neither berth nor handler.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, BatchEncoding

MAX_LENGTH = 150  # the example's setup_config.json


class PaddedHandler:
    """The handler: TorchServe makes one per worker, calls `initialize` once, then `handle` with one batch at a time."""

    def initialize(self, context: Any) -> None:
        """Load the checkpoint, with all cores for torch's thread pool."""
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        checkpoint = Path(context.system_properties["model_dir"]) / "checkpoint"
        gpu_id = context.system_properties.get("gpu_id")
        is_on_gpu = torch.cuda.is_available() and gpu_id is not None
        self._device = torch.device("cuda", int(gpu_id)) if is_on_gpu else torch.device("cpu")
        self._tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
        model: Any = AutoModel.from_pretrained(checkpoint, local_files_only=True, dtype=torch.float32)
        self._model = model.eval().to(self._device)

    @torch.inference_mode()
    def handle(self, data: list[dict[str, Any]], _context: Any) -> list[str]:
        """Answer each request with a JSON list of floats."""
        encodings = [self._encode(read_text(fields)) for fields in data]
        ids = torch.cat([encoding["input_ids"] for encoding in encodings]).to(self._device)
        mask = torch.cat([encoding["attention_mask"] for encoding in encodings]).to(self._device)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        return [json.dumps(vector, separators=(",", ":")) for vector in pool(states, mask).tolist()]

    def _encode(self, text: str) -> BatchEncoding:
        encoding: BatchEncoding = self._tokenizer(
            text, padding="max_length", truncation=True, max_length=MAX_LENGTH, return_tensors="pt"
        )
        return encoding


def read_text(fields: dict[str, Any]) -> str:
    """The text of `{"inputs": text}`; the launcher's ready check sends no body, and is answered like an empty text."""
    body = fields.get("body") or b'{"inputs": ""}'
    return str(json.loads(body)["inputs"])


def pool(states: Tensor, mask: Tensor) -> Tensor:
    """Token vectors [N, T, H] -> text vectors [N, H] of length 1: the mean over each text's own tokens."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return F.normalize((states * weights).sum(1) / weights.sum(1), dim=1)
