"""How fast does the engine pass texts forward, as an archive runs it and eagerly, and how far from the device's limit?

Texts of 16, 128 and 512 tokens and mixed; useful work over the measured matmul peak of the same precision. The limit is
the device's own matrix multiplication.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from handler.choose_engine import load_pipeline
from handler.config import TOKEN_BUDGETS, Device, HandlerConfig, Task
from handler.engine.model import Engine, Model
from handler.pipeline import Pipeline
from handler.text.encoded import EncodedText
from handler.worker.environment import Environment
from tests.support.equality.cells import known_answers

from ...work import EncoderShape
from ..models import make_model
from ..scene import Scene

LENGTHS: dict[str, list[int]] = {"16": [16], "128": [128], "512": [512], "mixed": [8, 12, 16, 24, 40, 64, 128, 300]}
TOKENS = (32, 256, 1024, 4096, 16_384)  # in one batch
ROUNDS = 7


def run(scene: Scene) -> None:
    """Measure the model that an archive would run beside the same engine without recorded passes."""
    device = torch.device(scene.device)
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)
    folder = make_model(scene, Task.EMBEDDINGS)
    environment = Environment(device=Device(scene.device), cores=2, max_response_bytes=2**24)
    pipeline = load_pipeline(folder, config, environment, 0, known_answers(folder, Task.EMBEDDINGS))
    eager = Pipeline(folder, config, device, pipeline.engine).model
    peak_flops = matmul_peak_flops(device, pipeline.placement.dtype)
    scene.note("forward.matmul_peak_tflops", peak_flops / 1e12)
    scene.note("forward.is_packed", pipeline.engine is Engine.PACKED)
    scene.note("forward.is_recorded", type(pipeline.model) is not type(eager))
    measure_batches(scene, pipeline.model, eager, device)
    shape = EncoderShape.from_config(pipeline.model.network.config.to_dict())
    measure_rates(scene, pipeline.model, shape, peak_flops)


def measure_batches(scene: Scene, model: Model, eager: Model, device: torch.device) -> None:
    """Milliseconds of one batch, and the largest difference of a row from the eager one, over the row's length."""
    for tokens in TOKENS[: 2 if scene.is_small else None]:
        (batch,) = model.batches(make_texts([32], tokens), tokens)
        name = f"forward.batch.{tokens}"
        scene.note(f"{name}.pass_ms", median_seconds(partial(model.forward, batch), device) * 1000)
        scene.note(f"{name}.eager_ms", median_seconds(partial(eager.forward, batch), device) * 1000)
        if device.type == "cuda":
            scene.note(f"{name}.on_device_ms", device_ms(partial(model.forward, batch)))
        pairs = zip(model.forward(batch), eager.forward(batch), strict=True)
        scene.note(f"{name}.difference", max(difference(row, expected) for row, expected in pairs))


def difference(row: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> float:
    """How far a row is from the expected one, over that one's length or over 1."""
    return float(np.linalg.norm(row - expected)) / max(1.0, float(np.linalg.norm(expected)))


def measure_rates(scene: Scene, model: Model, shape: EncoderShape, peak_flops: float) -> None:
    """Tokens/s and the share of the peak by lengths of texts."""
    num_tokens = 2048 if scene.is_small else 262_144
    for name, lengths in LENGTHS.items():
        texts = make_texts(lengths, num_tokens)
        seconds = median_seconds(partial(pass_all, model, texts, scene.device), torch.device(scene.device))
        flops = sum(shape.gflop(len(text.ids)) for text in texts) * 1e9 / seconds
        scene.note(f"forward.{name}.tokens_per_s", sum(len(text.ids) for text in texts) / seconds)
        scene.note(f"forward.{name}.peak_ratio", flops / peak_flops)


def pass_all(model: Model, texts: list[EncodedText], device: str) -> None:
    """Pass all texts in batches of the device's token budget."""
    for batch in model.batches(texts, TOKEN_BUDGETS[device]):
        model.forward(batch)


def make_texts(lengths: list[int], num_tokens: int) -> list[EncodedText]:
    """Texts with these lengths in turn, about num_tokens in all; no two are equal."""
    count = max(1, num_tokens * len(lengths) // sum(lengths))
    chosen = (lengths * (count // len(lengths) + 1))[:count]
    random = np.random.default_rng(1)
    return [
        EncodedText(
            ids=random.integers(1000, 20_000, length, np.int32),
            type_ids=np.zeros(length, np.int8),
            num_tokens_uncut=length,
        )
        for length in chosen
    ]


def median_seconds(run: Callable[[], object], device: torch.device) -> float:
    """Median time of ROUNDS runs after one to warm up; waits for the device each time."""
    times_s = []
    for _ in range(ROUNDS + 1):
        started_s = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times_s.append(time.perf_counter() - started_s)
    return statistics.median(times_s[1:])


def device_ms(run: Callable[[], object]) -> float:
    """What the kernels of a run take on the GPU, in ms, the gaps between them left out."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for _ in range(ROUNDS):
            run()
        torch.cuda.synchronize()
    # Not those of the calls that started them, which have their kernels' time too.
    on_device = [event for event in profile.key_averages() if event.device_type.name == "CUDA"]
    times_us: list[float] = [event.self_device_time_total for event in on_device]
    return sum(times_us) / ROUNDS / 1000


def matmul_peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a large square product, in the precision that the model runs in."""
    size = 8192 if device.type == "cuda" else 1024
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / median_seconds(lambda: left @ right, device)
