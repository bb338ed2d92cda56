"""OpenAI's own package for node."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.call import Call
from tests.clients.place import NODE, TEXTS, Place

CLIENT = "openai (node)"
MOST = [f"text {number}" for number in range(2048)]
# The package is found from the folder in which node runs, so the program is no file beside it.
PROGRAM = """
import OpenAI from 'openai';
const {url, model, input, ...options} = JSON.parse(process.env.ASKED);
const client = new OpenAI({baseURL: url, apiKey: 'none', maxRetries: 0});
const answer = input ? await client.embeddings.create({model, input, ...options}) : await client.models.list();
console.log(JSON.stringify(answer.data.map(each => each.embedding ?? each.id)));
"""
SAID = "Error:"  # how node begins the line with an error's message


def version() -> str:
    """Of the package, by the file that says what is installed."""
    wanted = json.loads(Path(__file__).parents[1].joinpath("package.json").read_text("utf-8"))
    return str(wanted["dependencies"]["openai"])


def _ask(place: Place, url: str, **asked: Any) -> Any:
    said = json.dumps({"url": url, "model": place.model, **asked})
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", PROGRAM],
        cwd=NODE,
        env={"ASKED": said, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        lines = ran.stderr.splitlines()
        raise RuntimeError(next((line for line in lines if SAID in line), ran.stderr))
    return json.loads(ran.stdout)


CALLS = [
    Call(
        name="embeddings.create, baseURL: URL/v1",
        ask=lambda place: _ask(place, place.openai, input=TEXTS),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="the same with encoding_format: 'float'",
        ask=lambda place: _ask(place, place.openai, input=TEXTS, encoding_format="float"),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="baseURL: URL/predictions/MODEL/VERSION/v1",
        ask=lambda place: _ask(place, f"{place.own()}/v1", input=TEXTS),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="2,048 inputs in one request",
        ask=lambda place: _ask(place, place.openai, input=MOST),
        expected=lambda place: place.natives(MOST),
    ),
    Call(name="no input", ask=lambda place: _ask(place, place.openai, input=[]), refused="input"),
    Call(
        name="models.list",
        ask=lambda place: _ask(place, place.openai),
        expected=lambda place: list(place.models),
    ),
]
