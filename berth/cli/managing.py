"""`berth models`, `describe` and `scale`: what a running server serves, and with how many workers."""

import os
from dataclasses import replace
from typing import Annotated

import typer

from ..clients.addresses import MANAGEMENT_URL, MANAGEMENT_VARIABLE, URL_VARIABLE
from ..clients.worker_count import MAX_WORKERS, require_sensible
from ..console import say
from ..errors import BerthError
from .options import AsJson, Commands, wants_json

ManagementUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        help=f"The management address. Default: {MANAGEMENT_VARIABLE}, else that beside {URL_VARIABLE}, "
        f"else {MANAGEMENT_URL}.",
    ),
]
Model = Annotated[str | None, typer.Argument(help="NAME or NAME/VERSION. Default: the only model that is served.")]


def models(url: ManagementUrl = None, as_json: AsJson = False) -> None:
    """List the models of a running server: a table on a terminal, JSON lines elsewhere."""
    from ..clients.management import ManagementClient  # noqa: PLC0415
    from .tables import render_models  # noqa: PLC0415

    with ManagementClient(url) as management:
        states = [state for name in management.models() for state in management.versions(name)]
    print(render_models(states, as_json=wants_json(as_json)))


def describe(model: Model = None, url: ManagementUrl = None, as_json: AsJson = False) -> None:
    """Show a model of a running server: its workers, its queue, and what its handler says of itself."""
    from ..clients.management import ManagementClient  # noqa: PLC0415
    from .tables import render_state  # noqa: PLC0415

    handler = None
    with ManagementClient(url) as management:
        asked = management.describe(model)
        versions = management.versions(asked.name)
        state = next((each for each in versions if each.version == asked.version), asked)
        try:
            handler = management.describe_handler(model)
        except BerthError as error:
            say(f"without what the handler says of itself: {error}")
    print(render_state(state, handler, versions, as_json=wants_json(as_json)))


def scale(
    workers: Annotated[int, typer.Option(help=f"How many processes hold the model, 1 to {MAX_WORKERS}.")],
    model: Model = None,
    url: ManagementUrl = None,
    as_json: AsJson = False,
) -> None:
    """Change how many workers a model has, and wait until they are READY; refused where memory does not hold them.

    Workers that are taken away end at once: a request in their hands gets 500.
    """
    from ..clients.launcher import fetch_capacity, health_endpoint  # noqa: PLC0415
    from ..clients.management import ManagementClient  # noqa: PLC0415
    from .bars import show_progress  # noqa: PLC0415
    from .scale import NOT_CHECKED, NOT_KEPT, require_room, scale_model  # noqa: PLC0415
    from .tables import render_models  # noqa: PLC0415

    require_sensible(workers)
    with ManagementClient(url) as management, show_progress() as progress:
        asked = management.describe(model)  # an unknown model is the first thing to say
        name = asked.path if asked.is_default is None else asked.name
        launcher = health_endpoint(os.environ).url
        if why := require_room(management.url, asked.name, workers, fetch_capacity(os.environ), launcher):
            say(NOT_CHECKED.format(why=why))
        default = asked if asked.is_default else management.describe(asked.name)
        scaled = scale_model(management, name, workers, progress)
        state = replace(scaled, is_default=scaled.version == default.version)
    say(f"workers of {name}: {workers}, READY; {NOT_KEPT}")
    print(render_models([state], as_json=wants_json(as_json)))


COMMANDS: Commands = (
    (models, "List the models of a running server."),
    (describe, "Show a model of a running server: its workers, queue and handler."),
    (scale, "Change how many workers a model has, if memory holds them."),
)
