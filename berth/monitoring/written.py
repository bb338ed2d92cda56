"""The files that follow from rules and panels: all that this room writes, by where it lies."""

import json
from pathlib import Path
from typing import Any

import yaml

from .dashboard import dashboard
from .rules import groups

NOTE = "# Written by `make monitoring` from berth/monitoring/rules.py.\n"
WIDTH = 110


class _Indented(yaml.SafeDumper):
    """Lists stand further right than what holds them, as yamllint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _show(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Indented.add_representer(str, _show)


def written() -> dict[Path, str]:
    """Each file's content, by its path in the repository."""
    return {
        Path("docs/monitoring/alerts.yaml"): _yaml({"groups": groups()}),
        Path("docs/monitoring/dashboard.json"): json.dumps(dashboard(), indent=1) + "\n",
        Path("k8s/components/monitoring/rules.yaml"): _yaml(_managed()),
    }


def _managed() -> dict[str, Any]:
    """The same rules for Google Cloud Managed Service for Prometheus."""
    return {
        "apiVersion": "monitoring.googleapis.com/v1",
        "kind": "Rules",
        "metadata": {"name": "berth"},
        "spec": {"groups": groups()},
    }


def _yaml(document: dict[str, Any]) -> str:
    return NOTE + yaml.dump(document, Dumper=_Indented, sort_keys=False, width=WIDTH)
