"""Another version of a name becomes the default: both are there, and only where requests go is changed."""

from collections.abc import Sequence
from dataclasses import replace

from ...archive.served_model import ServedModel
from ...archive.versions import default_models
from ...clients.management import ManagementClient
from ...errors import Refused
from ..server import Server
from .change import changed, require_same_tasks


def redirect(server: Server, models: Sequence[ServedModel]) -> list[ServedModel]:
    """Serve the live models with the defaults of this order, and return the new ones; what raises changes nothing.

    TorchServe is told first, whose own addresses name no version (gRPC, v1, v2); then a front takes over that leads
    there. What is under way is answered by the version that has it.
    """
    plan = server.live.plan
    assert server.fronts is not None
    assert plan.front is not None
    pairs = changed(plan.models, models)
    if not pairs:
        raise Refused("what is served has these defaults already: nothing is to be done")
    require_same_tasks(plan.models, models)
    front = replace(plan.front, models=tuple(models))
    with ManagementClient(plan.behind.management.url) as management:
        try:
            _set_defaults(management, models)
            server.fronts.switch(front)
        except Exception:
            _set_defaults(management, plan.models)
            raise
    server.live.plan = replace(plan, models=front.models, front=front)
    server.publish()
    return [now for _, now in pairs]


def _set_defaults(management: ManagementClient, models: Sequence[ServedModel]) -> None:
    for model in default_models(models):
        management.set_default(model.name, model.version)
