"""Runs a client's calls in the Python that has its package."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from .call import Row
from .place import Place

ROOT = Path(__file__).parents[2]
CALLS = Path(__file__).with_name("calls")
OURS = ("browser", "curl", "inference_client", "openai_package", "torchserve_stubs", "triton_http")
"""The clients whose packages the tests have anyway, in a version of their own: they run in this Python."""
LIMIT_S = 600.0
# Past any proxy; no package asks the internet, whose tables of tokens and prices some of them would fetch.
QUIET = {"NO_PROXY": "*", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HAYSTACK_TELEMETRY_ENABLED": "False"}


def clients() -> list[str]:
    """The names of all files of calls, in order."""
    return sorted(".".join(path.relative_to(CALLS).with_suffix("").parts) for path in CALLS.rglob("[a-z]*.py"))


def rows(python: Path, client: str, at: Mapping[str, Place]) -> Iterator[Row]:
    """A row for each of the client's calls at these places; one that says so where the client could not be run."""
    said = json.dumps({name: asdict(place) for name, place in at.items()})
    command = [str(python), "-m", "tests.clients.asking", client]
    ran = subprocess.run(
        command, cwd=ROOT, env=_environment(), input=said, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    yield from (Row(**json.loads(line)) for line in ran.stdout.splitlines())
    if ran.returncode:
        why = (ran.stderr.strip() or "it said nothing").splitlines()[-1]
        yield Row(client=client, version="", call="all further ones", result=f"not run: {why}", wrong=why)


def _environment() -> dict[str, str]:
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    return {**{name: value for name, value in os.environ.items() if name.lower() not in proxies}, **QUIET}
