"""Custom resources against their CustomResourceDefinitions: schema with unknown fields refused, and the CEL rules.

The definitions lie in $BERTH_CRDS, by default ../shared/crds beside the project.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from cel_expr_python import cel

from .renderings import LOADER, ROOT, Document

Schema = dict[str, Any]


def folder() -> Path:
    """Where the definitions are looked for."""
    return Path(os.environ.get("BERTH_CRDS") or ROOT.parent / "shared" / "crds")


@cache
def schemas(definitions: Path) -> dict[tuple[str, str], Schema]:
    """The schema of each served (apiVersion, kind)."""
    crds = [
        crd for path in sorted(definitions.glob("*.yaml")) for crd in yaml.load_all(path.read_text("utf-8"), LOADER)
    ]
    return {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): version["schema"][
            "openAPIV3Schema"
        ]
        for crd in crds
        for version in crd["spec"]["versions"]
        if version["served"]
    }


def schema_faults(schema: Schema, document: Document) -> list[str]:
    """What the schema refuses, unknown fields included."""
    validator = jsonschema.Draft202012Validator(_closed(schema))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def rule_faults(schema: Schema, document: Document) -> list[str]:
    """The messages of the x-kubernetes-validations that do not hold; the API server sets defaults first."""
    return list(_broken_rules(schema, _with_defaults(schema, document), "$"))


def _closed(schema: Schema) -> Schema:
    """The same schema, refusing fields that it does not name; a real server drops them, or warns."""
    closed = _descend(schema, _closed)
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed["additionalProperties"] = False
    return closed


def _descend(schema: Schema, change: Any) -> Schema:
    """A copy whose subschemas are changed. A structural schema nests in these three keywords only."""
    copy = dict(schema)
    if "properties" in copy:
        copy["properties"] = {name: change(part) for name, part in copy["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(copy.get(keyword), dict):
            copy[keyword] = change(copy[keyword])
    return copy


def _children(schema: Schema, value: Any) -> Iterator[tuple[str | int, Schema, Any]]:
    """(key, subschema, value) of everything that `value` holds and the schema describes."""
    if isinstance(value, dict):
        named, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, part in value.items():
            if subschema := named.get(key, others):
                yield key, subschema, part
    elif isinstance(value, list):
        yield from ((index, schema["items"], part) for index, part in enumerate(value) if "items" in schema)


def _with_defaults(schema: Schema, value: Any) -> Any:
    if isinstance(value, dict):
        defaults = {key: part["default"] for key, part in schema.get("properties", {}).items() if "default" in part}
        value = defaults | value
    children = {key: _with_defaults(subschema, part) for key, subschema, part in _children(schema, value)}
    if isinstance(value, dict):
        return value | children
    return list(children.values()) if children else value


def _broken_rules(schema: Schema, value: Any, place: str) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", []):
        # A rule with oldSelf is about updates.
        if "oldSelf" not in rule["rule"] and not _holds(rule["rule"], value):
            yield f"{place}: {rule.get('message', rule['rule'])}"
    for key, subschema, part in _children(schema, value):
        yield from _broken_rules(subschema, part, f"{place}.{key}")


def _holds(rule: str, value: Any) -> bool:
    """Whether a CEL rule is true; one that ends in an error is not, as in the API server."""
    return _compiled(rule).eval(data={"self": value}).value() is True


@cache
def _compiled(rule: str) -> cel.Expression:
    return cel.NewEnv(variables={"self": cel.Type.DYN}).compile(rule)
