"""Classification through HTTP."""

from handler.config import Task

from .. import served
from ..scene import Scene


def run(scene: Scene) -> None:
    """Answers are small: what is measured is the way of a request."""
    served.run(scene, Task.TEXT_CLASSIFICATION, {"classification": {}})
