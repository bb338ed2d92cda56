"""The first engine that gives the known answers."""

import time
from pathlib import Path

from .config import Environment, HandlerConfig
from .engine.graphs.record import with_graphs
from .engine.graphs.recorder import CudaRecorder, Recorder
from .engine.model import Engine, PackedModel
from .engine.placement import choose_device
from .errors import SelfTestError
from .known_answers import KnownAnswers
from .pipeline import Pipeline, logger


def load_pipeline(
    folder: Path, config: HandlerConfig, environment: Environment, gpu_id: int | None, known: KnownAnswers
) -> Pipeline:
    """Load the archive's checkpoint on its device, with the first engine that gives the known answers.

    Raises SelfTestError when none does. Which architectures pack is proven here each time, never assumed: some
    ignore the attention that they are given and would be wrong without an error.
    """
    device = choose_device(environment.device, gpu_id)
    differences = {}
    for engine in Engine:
        began_s = time.monotonic()
        pipeline = Pipeline(folder, config, device, engine)
        loaded_s = time.monotonic()
        differences[engine] = pipeline.check(known.short() if device.type == "cpu" else known)
        if differences[engine] <= pipeline.tolerance:
            logger.info("load_s=%.2f self_test_s=%.2f", loaded_s - began_s, time.monotonic() - loaded_s)
            if device.type == "cuda":
                use_graphs(pipeline, known, CudaRecorder(device))
            return pipeline
        logger.warning(
            "engine=%s difference=%g tolerance=%g: not used", engine, differences[engine], pipeline.tolerance
        )
    raise SelfTestError(
        "the model does not give the answers recorded in known_answers.json: the difference is "
        + ", ".join(f"{difference:.2g} {engine}" for engine, difference in differences.items())
        + f", the tolerance of {pipeline.placement.precision} is {pipeline.tolerance:g}. "
        "Pack the checkpoint again with the versions installed here"
    )


def use_graphs(pipeline: Pipeline, known: KnownAnswers, record: Recorder) -> None:
    """Have the pipeline run recorded passes, as far as its model can be recorded and gives its own answers then."""
    if isinstance(pipeline.model, PackedModel):
        began_s = time.monotonic()
        max_tokens = pipeline.config.max_tokens
        pipeline.use(with_graphs(pipeline.model, max_tokens, pipeline.read(known), pipeline.tolerance, record))
        logger.info("graphs_s=%.2f", time.monotonic() - began_s)
