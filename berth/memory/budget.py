"""How much memory a server will take, part by part, before it is started. Pure: no disk, no clock.

Each part is the worst case: every queue full of requests of the largest size, every worker at a full batch.
The figures are measured (`python -m tests.drills memory`), and docs/memory.md explains them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handler.config import (
    MAX_TEXTS_PER_REQUEST,
    MAX_TOKENS_PER_REQUEST,
    TOKENS_PER_SLOT,
    VOCABULARY_PER_TOKEN,
    HandlerConfig,
    LoneTexts,
    Task,
)
from handler.precision import Precision
from handler.sizes import (
    ANSWERS_VECTORS,
    KEEPS_PLACES,
    MAX_ANSWER_BYTES_PER_BATCH,
    MAX_ONLY_MESSAGE_BYTES,
    MAX_SPAN_SCORES_PER_INPUT,
    MAX_WORDS,
    SLICE_NUMBERS,
    largest_answer,
)

from ..machine.forking import IMPORTS_BYTES
from ..machine.quantities import KIB, MIB
from .gpu_parts import WORKSPACE_BYTES, GpuModel, gpu_parts
from .jvm import Jvm, Traffic, size_jvm
from .model_size import ModelSize
from .weights import DTYPE_BYTES, PRECISIONS, config_of, openvino_bytes, precisions_on_any_cpu, weight_bytes

LAUNCHER_BYTES = 36 * MIB
FRONT_BYTES = 16 * MIB  # HAProxy without a client
GATEWAY_BYTES = 56 * MIB  # without a client
LARGE_AT_ONCE = 4  # requests for embeddings that the gateway splits: of so many bytes, into so many parts
LARGE_BODY_BYTES = 8 * MIB
LARGE_PARTS = 8
LARGE_FACTOR = 5  # of body and answers, after some of them: 2.5 of the first
CONNECTION_BYTES = 24 * KIB  # of it, with a request that began or waits; 3 KiB of one that is idle
TLS_BYTES = 28 * KIB  # of a connection that is encrypted; 12 KiB of one that is idle
LIBRARIES_BYTES = 40 * MIB  # mapped files of java and torch, where each worker imports for itself
PROCESS_BYTES = 260 * MIB  # a worker's own after `import torch, transformers`
FORK_BYTES = 55 * MIB  # a fork's own: what it writes to of what it was forked with, and its berth-python
CUDA_HOST_BYTES = 1024 * MIB  # what CUDA takes of the machine's memory; as others report it, not measured
TOKENIZER_FACTOR = 26  # a vocabulary in memory for each byte of tokenizer.json: 19 of BERT's, 25 of 250,000 words
STRING_FACTOR = 4  # one character outside the Basic Multilingual Plane makes all of a text four bytes wide (PEP 393)
TOKEN_BYTES = 12  # its id and type, and both in the key that finds equal texts
PLACE_BYTES = 13  # offset, source and word of a token, where the head asks for them
NUMBER_BYTES = 4  # of a vector, until it is written
CHOSEN_BYTES = 12  # of a word of a sparse vector, until it is written: its id and its weight
SLICE_COPIES = 3  # of a slice of logits: as the matrix gives it, in float32, and what is added of it
VALUE_FACTOR = 4  # such objects in Python, for each byte of their JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSizes:
    """What a budget depends on beside the models: sizes from the settings and the machine."""

    queue_length: int
    request_bytes: int
    response_bytes: int
    vmargs: tuple[str, ...]
    cores: int
    num_gpus: int
    is_forked: bool
    """Whether one process imports for all workers and forks them."""
    connections: int
    """How many clients may be connected to the front; 0 where there is none."""
    has_tls: bool
    """Whether their connections are encrypted."""
    lone_texts: LoneTexts = LoneTexts.TORCH
    """What reads a text that comes alone."""

    @property
    def connection_bytes(self) -> int:
        """Bytes of a client's connection."""
        return CONNECTION_BYTES + (TLS_BYTES if self.has_tls else 0)

    @property
    def device(self) -> str:
        """The device that the workers use, as the handler names it."""
        return "cuda" if self.num_gpus else "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoad:
    """A model and how many workers it has."""

    size: ModelSize
    workers: int
    is_in_memory: bool = False
    """Whether its unpacked folder lies on a tmpfs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One line of a budget: something that takes memory, once or several times."""

    name: str
    bytes: int
    """Bytes of one; `total_bytes` counts all."""
    count: int = 1

    @property
    def total_bytes(self) -> int:
        """Bytes of all together."""
        return self.bytes * self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """All parts, and the java that is among them."""

    parts: tuple[Part, ...]
    gpu_parts: tuple[Part, ...]
    """Parts in the memory of the GPU that has most workers; empty without a GPU."""
    jvm: Jvm
    worker_bytes: Mapping[str, int] = field(default_factory=dict)
    """By each model's name, the most that a worker of it has in memory of its own, what it was forked with included."""

    @property
    def total_bytes(self) -> int:
        """Bytes of the machine's or the container's memory."""
        return sum(part.total_bytes for part in self.parts)

    @property
    def gpu_bytes(self) -> int:
        """Bytes of one GPU's memory."""
        return sum(part.total_bytes for part in self.gpu_parts)


def plan_budget(models: Sequence[ModelLoad], server: ServerSizes, jvm: Jvm | None = None) -> Budget:
    """Count what a server with these models needs; `jvm`: a java that was sized for more than these workers."""
    jvm = jvm or size_jvm([_traffic(model, server) for model in models], cores=server.cores, vmargs=server.vmargs)
    parts = [
        Part(name="launcher", bytes=LAUNCHER_BYTES),
        *(_front_parts(models, server) if server.connections else (Part(name="the page", bytes=GATEWAY_BYTES),)),
        Part(name="java's heap", bytes=jvm.heap_bytes),
        Part(name="java's direct memory", bytes=jvm.direct_bytes),
        Part(name="java itself", bytes=jvm.total_bytes - jvm.heap_bytes - jvm.direct_bytes),
        Part(name="imports, shared", bytes=IMPORTS_BYTES if server.is_forked else 0),
        Part(name="libraries, shared", bytes=0 if server.is_forked else LIBRARIES_BYTES),
    ]
    on_card: list[Part] = []
    for model in models:
        parts += [*_shared_parts(model, server), *_worker_parts(model, server)]
        on_card += _gpu_parts(model, server) if server.num_gpus else []
    worker_bytes: dict[str, int] = {}
    for model in models:  # the largest of a name's versions
        worker_bytes[model.size.name] = max(worker_bytes.get(model.size.name, 0), _worker_bytes(model, server))
    return Budget(parts=_some(parts), gpu_parts=_some(on_card), jvm=jvm, worker_bytes=worker_bytes)


def _front_parts(models: Sequence[ModelLoad], server: ServerSizes) -> tuple[Part, ...]:
    answers = [_answer(model.size, server) for model in models if config_of(model.size).task in ANSWERS_VECTORS]
    large = LARGE_FACTOR * (LARGE_BODY_BYTES + LARGE_PARTS * max(answers, default=0))
    return (
        Part(name="the front", bytes=FRONT_BYTES),
        Part(name="the front: a client's connection", bytes=server.connection_bytes, count=server.connections),
        Part(name="the gateway", bytes=GATEWAY_BYTES),
        Part(name="the gateway: a request for many embeddings", bytes=large, count=LARGE_AT_ONCE),
    )


def _some(parts: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.bytes)


def _shared_parts(model: ModelLoad, server: ServerSizes) -> tuple[Part, ...]:
    size = model.size
    shared, _ = weight_bytes(size, server.device, model.workers)
    on_disk = size.content_bytes - shared if model.is_in_memory else 0
    return (
        Part(name=f"{size.name}: weights, shared", bytes=shared),
        Part(name=f"{size.name}: unpacked folder in memory", bytes=on_disk),
    )


def _worker_bytes(model: ModelLoad, server: ServerSizes) -> int:
    return (IMPORTS_BYTES if server.is_forked else 0) + sum(part.bytes for part in _worker_parts(model, server))


def _worker_parts(model: ModelLoad, server: ServerSizes) -> tuple[Part, ...]:
    size, workers = model.size, model.workers
    _, private = weight_bytes(size, server.device, workers)
    process = FORK_BYTES if server.is_forked else PROCESS_BYTES
    process += TOKENIZER_FACTOR * size.tokenizer_bytes + (CUDA_HOST_BYTES if server.num_gpus else 0)
    activations = 0 if server.num_gpus else activation_bytes(size, server.device) + _slices(size, server.cores)
    has_openvino = server.lone_texts is LoneTexts.OPENVINO and not server.num_gpus
    openvino = openvino_bytes(size) if has_openvino else 0
    return (
        Part(name=f"{size.name}: a worker's process", bytes=process, count=workers),
        Part(name=f"{size.name}: a worker's copy of the weights", bytes=private, count=workers),
        Part(name=f"{size.name}: OpenVINO's copy of the weights", bytes=openvino, count=workers),
        Part(name=f"{size.name}: a worker's activations", bytes=activations, count=workers),
        Part(name=f"{size.name}: a worker's batch", bytes=_batch(size, server), count=workers),
    )


def _gpu_parts(model: ModelLoad, server: ServerSizes) -> list[Part]:
    """Parts on the GPU that has most of the model's workers."""
    size, config = model.size, config_of(model.size)
    (precision,) = config.precisions_on("cuda")
    on_card = GpuModel(
        num_weights=size.num_weights,
        number_bytes=DTYPE_BYTES[PRECISIONS[precision]],
        outputs=config.token_budget_on("cuda") * _outputs(size, config),
        activations=activation_bytes(size, "cuda") + _slices(size, 1),
        has_graphs=size.scores == 0 and precision is not Precision.FP32,
    )
    workers = -(-model.workers // server.num_gpus)
    return [Part(name=f"{size.name}: {name}", bytes=each, count=workers) for name, each in gpu_parts(on_card).items()]


def _outputs(size: ModelSize, config: HandlerConfig) -> int:
    """Most numbers that a forward pass gives for each token of its budget."""
    if config.task in (Task.FILL_MASK, Task.ZERO_SHOT_TOKEN_CLASSIFICATION) or size.num_words:
        # a mask, or a sparse vector's text, takes a token of the budget more for so many words of the vocabulary; spans
        # take one for so many scores
        return VOCABULARY_PER_TOKEN
    wide = max(size.vector_size, size.token_width) if size.token_width else 0
    return wide + max(size.num_labels, -(-max(size.vector_size, wide) // TOKENS_PER_SLOT))


def activation_bytes(size: ModelSize, device: str) -> int:
    """Bytes of one forward pass of the whole token budget, in texts of the largest length."""
    config = config_of(size)
    precisions = precisions_on_any_cpu(size) if device == "cpu" else config.precisions_on(device)
    of_a_token = 10 * size.hidden + 2 * size.intermediate + size.scores * config.max_tokens
    of_a_token += size.intermediate if Precision.INT8 in precisions else 0  # a product's whole numbers, beside it
    widest = max(DTYPE_BYTES[PRECISIONS[each]] for each in precisions)
    return WORKSPACE_BYTES + config.token_budget_on(device) * of_a_token * widest if size.hidden else 0


def _slices(size: ModelSize, threads: int) -> int:
    """Bytes of the logits that so many threads read at once, where sparse vectors are made of them."""
    return threads * SLICE_COPIES * SLICE_NUMBERS * NUMBER_BYTES if size.num_words else 0


def _batch(size: ModelSize, server: ServerSizes) -> int:
    """Bytes of a full batch of the largest requests in a worker: as sent, as strings, as tokens, and its answers.

    The answers are there as values, and those of one message as the responses' bodies and as that message.
    """
    config = config_of(size)
    tokens = min(MAX_TEXTS_PER_REQUEST * config.max_tokens, MAX_TOKENS_PER_REQUEST, server.request_bytes)
    token_bytes = TOKEN_BYTES + (PLACE_BYTES if config.task in KEEPS_PLACES else 0)
    request = server.request_bytes * (1 + STRING_FACTOR) + tokens * token_bytes
    bodies = min(size.batch_size * _answer(size, server), MAX_ONLY_MESSAGE_BYTES)
    if size.num_words:  # a pass's weights, and ids and weights of what is answered
        values = config.token_budget_on(server.device) * VOCABULARY_PER_TOKEN * NUMBER_BYTES
        values += size.batch_size * MAX_TEXTS_PER_REQUEST * min(size.num_words, MAX_WORDS) * CHOSEN_BYTES
    elif config.task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION:  # the scores of one input, as they came and in doubles
        values = 3 * MAX_SPAN_SCORES_PER_INPUT * NUMBER_BYTES + size.batch_size * VALUE_FACTOR * _answer(size, server)
    elif config.task in ANSWERS_VECTORS:
        values = size.batch_size * MAX_TEXTS_PER_REQUEST * size.vector_size * NUMBER_BYTES
        values += size.batch_size * size.token_numbers * NUMBER_BYTES
    else:
        values = size.batch_size * VALUE_FACTOR * _answer(size, server)
        values += tokens * size.token_width * NUMBER_BYTES  # late interaction's, until a request's texts are ranked
    return size.batch_size * request + values + 2 * bodies


def _answers(size: ModelSize, server: ServerSizes) -> int:
    """Bytes of the JSON of a batch's answers."""
    return min(size.batch_size * _answer(size, server), MAX_ANSWER_BYTES_PER_BATCH)


def _answer(size: ModelSize, server: ServerSizes) -> int:
    """Bytes of the JSON of the largest answer."""
    return min(largest_answer(config_of(size).task, **size.of_answers), server.response_bytes)


def _traffic(model: ModelLoad, server: ServerSizes) -> Traffic:
    batch = model.size.batch_size
    return Traffic(
        requests=server.queue_length + batch * model.workers,
        request_bytes=server.request_bytes,
        workers=model.workers,
        batch_request_bytes=batch * server.request_bytes,
        batch_answer_bytes=_answers(model.size, server),
    )
