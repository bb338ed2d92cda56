"""Stands in for gcloud, kubectl and docker, by its first argument: a project in the cloud is the one thing that cannot
be had here. Each call is recorded, what is created is remembered, and what was not created cannot be described."""

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

HERE = Path(os.environ["STANDIN_FOLDER"])
REFUSED = os.environ.get("STANDIN_REFUSES")
ANSWERS = {
    "accelerator-types list": "europe-west4-a\neurope-west4-c",
    "docker images describe": "sha256:" + "d" * 64,
    "image inspect": "docker.io/library/debian@sha256:" + "b" * 64,
    "get gateway/berth": os.environ.get("STANDIN_ADDRESS", ""),
}


def refuse(reason: str) -> None:
    sys.exit(f"stand-in: {reason}")


def remember(line: str) -> None:
    """Creating twice and describing what is not there are refused, as Google's API does."""
    words = [word.split("@")[0] for word in line.split() if not word.startswith("-")]
    created = (HERE / "created").read_text().splitlines()
    for verb in {"create", "describe"} & set(words):
        name = " ".join(word for word in words if word != verb)
        if (name in created) == (verb == "create"):
            refuse("already exists" if verb == "create" else "not found")
        if verb == "create":
            (HERE / "created").write_text("\n".join([*created, name]))


def apply(arguments: list[str]) -> None:
    (file,) = (word.removeprefix("--filename=") for word in arguments if word.startswith("--filename="))
    shutil.copy(file, HERE / "applied.yaml")


def main(arguments: list[str]) -> None:
    line = shlex.join(arguments)
    with (HERE / "calls").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    if REFUSED and REFUSED in line:
        refuse("refused")
    elif answer := next((text for part, text in ANSWERS.items() if part in line), None):
        sys.stdout.write(answer + "\n")
    elif arguments[:2] == ["kubectl", "kustomize"]:
        os.execv(os.environ["STANDIN_KUBECTL"], arguments)  # noqa: S606 the real one: rendering needs no cluster
    elif arguments[0] == "gcloud":
        remember(line)
    elif "apply" in arguments:
        apply(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
