"""The first precision and engine that give the known answers."""

import math
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch

from .config import HandlerConfig, LoneTexts, Task
from .engine.device_errors import is_out_of_memory
from .engine.graphs.record import with_graphs
from .engine.graphs.recorder import CudaRecorder, Recorder
from .engine.lone.openvino_pass import NotCompiled, compile_lone
from .engine.model import Engine, PackedModel, engines_of
from .engine.placement import choose_device
from .errors import LoadError, SelfTestError
from .known_answers import KnownAnswers
from .pipeline import Pipeline, logger
from .precision import Precision
from .tasks.late import late_of
from .worker.environment import Environment


class NotUsed(Exception):
    """Why the model does not run in a precision and engine; str() says it."""


def load_pipeline(
    folder: Path, config: HandlerConfig, environment: Environment, gpu_id: int | None, known: KnownAnswers
) -> Pipeline:
    """Load the archive's checkpoint on its device, in the first precision and engine that give the known answers.

    Raises SelfTestError when none do. Which architectures pack is proven here each time, never assumed: some
    ignore the attention that they are given and would be wrong without an error.
    """
    device = choose_device(environment.device, gpu_id)
    asked = known.short() if device.type == "cpu" else known
    reasons = []
    for precision, engine in product(config.precisions_on(device.type), engines_of(folder)):
        try:
            pipeline = _load_proven(folder, replace(config, precision=precision), device, engine, asked)
        except NotUsed as reason:
            reasons.append(f"{engine}: {reason}")
            logger.warning("precision=%s engine=%s: not used: %s", precision, engine, reason)
            continue
        if device.type == "cuda":
            use_graphs(pipeline, known, CudaRecorder(device))
        elif environment.lone_texts is LoneTexts.OPENVINO:
            use_openvino(pipeline, asked)
        return pipeline
    raise SelfTestError(
        f"the model does not give the answers recorded in known_answers.json: {'; '.join(reasons)}. "
        "Pack the checkpoint again with the versions installed here"
    )


def _load_proven(
    folder: Path, config: HandlerConfig, device: torch.device, engine: Engine, asked: KnownAnswers
) -> Pipeline:
    """Load the checkpoint in one precision and engine; NotUsed where it cannot be, or gives other answers."""
    began_s = time.monotonic()
    pipeline = _load(folder, config, device, engine)
    is_ready = config.precision is not Precision.INT8 or pipeline.quantize(asked) > 0
    loaded_s = time.monotonic()
    difference = pipeline.check(asked) if is_ready else math.inf
    if difference <= pipeline.tolerance:
        logger.info("load_s=%.2f self_test_s=%.2f", loaded_s - began_s, time.monotonic() - loaded_s)
        return pipeline
    raise NotUsed(f"the difference is {difference:.2g}, the tolerance of {config.precision} is {pipeline.tolerance:g}")


def _load(folder: Path, config: HandlerConfig, device: torch.device, engine: Engine) -> Pipeline:
    """Load the checkpoint; NotUsed where this engine cannot: transformers refuses some models an attention of ours."""
    try:
        return Pipeline(folder, config, device, engine)
    except LoadError:  # it is so in every engine
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        words = " ".join(str(error).split())
        raise NotUsed(f"it cannot be loaded: {type(error).__name__}: {words}") from error


def use_graphs(pipeline: Pipeline, known: KnownAnswers, record: Recorder) -> None:
    """Have the pipeline run recorded passes, as far as its model can be recorded and gives its own answers then."""
    vectors = pipeline.config.vectors
    has_paths = pipeline.model.adapters is not None or (vectors is not None and vectors.hides_tokens)
    if isinstance(pipeline.model, PackedModel) and not has_paths:  # a recorded pass has one
        began_s = time.monotonic()
        max_tokens = pipeline.config.max_tokens
        pipeline.use(with_graphs(pipeline.model, max_tokens, pipeline.read(known), pipeline.tolerance, record))
        logger.info("graphs_s=%.2f", time.monotonic() - began_s)


def use_openvino(pipeline: Pipeline, known: KnownAnswers) -> None:
    """Have OpenVINO read lone short texts in fp32, where it gives the model's own answers."""
    model = pipeline.model
    began_s = time.monotonic()
    try:
        if not isinstance(model, PackedModel) or pipeline.placement.precision is not Precision.FP32:
            raise NotCompiled("the model is not packed, or not in fp32")
        if pipeline.config.task is Task.TEXT_RANKING and late_of(pipeline.config) is not None:
            raise NotCompiled("a query and its texts are read together, and none of them alone")
        pipeline.use(model, compile_lone(model, pipeline.read(known), pipeline.tolerance))
        note = "openvino"
    except NotCompiled as error:
        note = f"torch, for OpenVINO cannot: {error}"
    model.notes = {**model.notes, "lone_texts": note}
    logger.info("lone_texts=%r lone_s=%.2f", note, time.monotonic() - began_s)
