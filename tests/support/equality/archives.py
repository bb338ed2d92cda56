"""What a worker does with an archive, in this process."""

from pathlib import Path

import yaml

from berth.archive.verify import read_archive
from handler.choose_engine import load_pipeline
from handler.config import HandlerConfig
from handler.known_answers import load_known_answers
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from handler.worker.environment import Environment

from .cells import ENVIRONMENT


def load_archive(archive: Path, unpacked: Path, environment: Environment = ENVIRONMENT) -> Pipeline:
    """Unpack it there and load it; the engine is the one that gives its known answers."""
    unpacked.mkdir()
    read_archive(archive, unpacked)
    config = HandlerConfig.from_mapping(yaml.safe_load((unpacked / "model-config.yaml").read_text())["handler"])
    known = load_known_answers(unpacked / "known_answers.json", TASKS[config.task])
    return load_pipeline(unpacked / "checkpoint", config, environment, None, known)
