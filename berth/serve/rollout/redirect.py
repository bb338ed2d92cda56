"""Another version of a name becomes the default: both are there, and only where requests go is changed."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...archive.served_model import ServedModel
from ...archive.versions import default_models
from ...clients.management import ManagementClient
from ...console import say
from ...errors import BerthError
from ..server import Server
from .change import changed, require_same_tasks
from .orders import describe_error


def redirect(server: Server, models: Sequence[ServedModel]) -> list[ServedModel]:
    """Serve the live models with the defaults of this order, and return the new ones; what raises changes nothing, or
    the log says what could not be set back.

    TorchServe is told first, for its own addresses name no version (v1, v2, gRPC); then a front takes over that leads
    there. In between, some tenths of a second, the new default answers at those of v1 and v2, and is counted as the old
    one; all other addresses name the version to which the front leads. What is under way stays with who has it.
    """
    plan = server.live.plan
    assert server.fronts is not None
    assert plan.front is not None
    require_same_tasks(plan.models, models)
    front = replace(plan.front, models=tuple(models))
    with ManagementClient(plan.behind.management.url) as management:
        try:
            _set_defaults(management, models)
            server.fronts.switch(front)
        except Exception:
            with _told():
                _set_defaults(management, plan.models)
            raise
    server.live.plan = replace(plan, models=front.models, front=front)
    server.publish()
    return [now for _, now in changed(plan.models, models)]


def _set_defaults(management: ManagementClient, models: Sequence[ServedModel]) -> None:
    for model in default_models(models):
        management.set_default(model.name, model.version)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say what fails here and go on: why it was tried is worth more to whoever gave the order."""
    try:
        yield
    except (BerthError, OSError) as error:
        say(f"TorchServe's defaults could not be set back: {describe_error(error)}")
