"""What a model takes of a GPU's memory, part by part. Pure.

Fitted to one NVIDIA H100 80GB (2026-11-28; BERT-base in bf16, 16,384 tokens a forward pass; docs/memory.md has the
figures): 944 to 960 MiB after a start, at most 1,812 under load, 2.6 GiB with graphs of up to 16,384 tokens.
"""

from dataclasses import dataclass

from ..machine.quantities import MIB

CONTEXT_BYTES = 730 * MIB  # CUDA's context and the kernels that were loaded: what is no weight after a start
WORKSPACE_BYTES = 48 * MIB  # what oneDNN, or cuBLAS, and the allocator keep beside activations
CACHED = 1.8  # torch's allocator keeps blocks of other sizes than the next batch asks for
# Of a prototype's 18 graphs in one pool, what is not the largest one's activations. Whether more graphs take more was
# not measured.
GRAPHS_BYTES = 380 * MIB
NUMBER_BYTES = 4  # of what a pass ends in: float32


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuModel:
    """What the card's memory depends on."""

    num_weights: int
    number_bytes: int
    """Bytes of a weight, and of a number of the activations."""
    outputs: int
    """Most numbers that a forward pass of the whole token budget gives."""
    activations: int
    """Bytes of one forward pass of the whole token budget, WORKSPACE_BYTES included; 0 where they are not known."""
    has_graphs: bool
    """Whether forward passes are recorded as CUDA graphs: those of packed texts in bf16 and fp16 are."""


def gpu_parts(model: GpuModel) -> dict[str, int]:
    """Bytes of each part that one worker takes, by its name."""
    return {
        "a CUDA context": CONTEXT_BYTES,
        "a worker's weights": model.num_weights * model.number_bytes,
        "a worker's activations": int(CACHED * model.activations),
        "a worker's graphs": _graphs(model) if model.has_graphs and model.activations else 0,
    }


def _graphs(model: GpuModel) -> int:
    """Bytes of one pool, which the largest graph fills, and of the memory in which all graphs end."""
    return GRAPHS_BYTES + model.activations + NUMBER_BYTES * model.outputs
