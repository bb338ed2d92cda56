"""`berth predict --file --output FOLDER`: the course of `berth bulk`, with a running server in the engine's place."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...bulk.job import Job, Output, Server
from ...bulk.storage.address import parse_place
from ...clients.addresses import inference_url, management_url
from ...clients.management import ManagementClient
from ...clients.messages import Model
from ...errors import UsageError
from ..bulk.command import parse_columns, require_pyarrow, run_job


def make_job(
    file: str | None, output: str, to: str, columns: Sequence[str], parameters: Mapping[str, object] | None
) -> Job:
    """What is to be asked, of nobody yet; UsageError for what cannot be done."""
    if file is None or file == "-":
        raise UsageError("--output needs --file: a file, a folder or a glob, which can be read again from any place")
    if to not in set(Output):
        raise UsageError(f"--to is {to}: choose one of {', '.join(Output)}")
    require_pyarrow("predict --output")
    return Job(
        archive=Path(),
        inputs=(file,),
        output=parse_place(output),
        columns=parse_columns(columns),
        parameters=parameters or {},
        to=Output(to),
        allow_other_machine=True,  # which one answers is the server's business; the manifest records it
    )


def ask_server(job: Job, url: str | None, model: Model, *, as_json: bool) -> None:
    """Run it, and print its account."""
    run_job(replace(job, archive=find_server(url, model)), as_json=as_json)


def find_server(url: str | None, model: Model) -> Server:
    """The server and its model, as its management address describes them."""
    url = inference_url(os.environ) if url is None else url
    with ManagementClient(management_url(os.environ, url)) as management:
        name = management.only_model() if model is None else model
        state = management.describe(name)
        return Server(url=url, model=name, version=state.version, facts=management.describe_handler(name))
