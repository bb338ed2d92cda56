"""Every checker of k8s/, and what each says of every file and every object: ok, refused or skipped."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from . import crds, packages
from .renderings import (
    BULK,
    CANARY,
    PLACES,
    RENDERINGS,
    ROOT,
    SCALING,
    Document,
    KustomizeError,
    files,
    has_kubectl,
    label,
    render,
)

# The first version where preStop's sleep works unasked, and the newest that the checker knows.
VERSIONS = ("1.30", kubernetes_validate.latest_version().rpartition(".")[0])
CUSTOM_GROUPS = (
    "gateway.networking.k8s.io",
    "networking.gke.io",
    "monitoring.googleapis.com",
    "ray.io",
    "autoscaling.gke.io",
    "keda.sh",
    "serving.kserve.io",
)
UNPUBLISHED = ("ray.io", "autoscaling.gke.io", "keda.sh", "serving.kserve.io")
"""Groups whose definitions no package has: who has them adds them to $BERTH_CRDS."""
YAML_STYLE = YamlLintConfig("{extends: default, rules: {document-start: disable, line-length: {max: 120}}}")


class Outcome(Enum):
    """What a checker can say."""

    OK = "ok"
    REFUSED = "refused"
    SKIPPED = "skipped"
    NOT_MINE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one checker says of one thing."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One file, or one object of one rendering, and what the checkers say of it."""

    rendering: str
    name: str
    verdicts: dict[str, Verdict]


Checker = Callable[[Document], Verdict]
OK = Verdict(outcome=Outcome.OK)
NOT_MINE = Verdict(outcome=Outcome.NOT_MINE)


def refused(reason: str) -> Verdict:
    """The checker found a fault."""
    return Verdict(outcome=Outcome.REFUSED, reason=reason)


def skipped(reason: str) -> Verdict:
    """The checker could not look."""
    return Verdict(outcome=Outcome.SKIPPED, reason=reason)


def check_kubernetes(document: Document, version: str) -> Verdict:
    """kubernetes-validate --strict: the API's own kinds, unknown fields refused."""
    return NOT_MINE if _is_custom(document) else _validate(json.dumps(document), version)


@cache  # most objects are the same in every rendering, and each time the checker reads its whole schema anew
def _validate(document: str, version: str) -> Verdict:
    """What it says of an object in JSON."""
    try:
        kubernetes_validate.validate(json.loads(document), version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return refused(f"{error.json_path}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError as error:
        return refused(error.message)
    return OK


def check_schema(document: Document) -> Verdict:
    """A custom resource against its definition's schema, or a package's model; its metadata as the API's own."""
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": document["metadata"]}
    metadata = check_kubernetes(bare, VERSIONS[-1])
    if metadata != OK:
        return metadata
    if packages.knows(document):
        found = packages.faults(document)
        return refused("; ".join(found)) if found else OK
    return _check_custom(document, crds.schema_faults)


def check_rules(document: Document) -> Verdict:
    """A custom resource against its definition's CEL rules."""
    return _check_custom(document, crds.rule_faults)


def check_pods(document: Document) -> Verdict:
    """The pods that a custom resource starts, as the API's own PodTemplates, unknown fields refused."""
    templates = list(pod_templates(document)) if _is_custom(document) else []
    found = [
        {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "a"}, "template": one} for one in templates
    ]
    said = [check_kubernetes(one, version) for one in found for version in VERSIONS]
    return next((each for each in said if each != OK), OK) if said else NOT_MINE


def pod_templates(value: Any) -> Iterator[Document]:
    """Every template of a pod within a document."""
    if isinstance(value, list | dict):
        if isinstance(value, dict) and "containers" in (value.get("spec") or {}):
            yield _of_runtime(value) if value.get("kind") == "ServingRuntime" else value
        for part in value.values() if isinstance(value, dict) else value:
            yield from pod_templates(part)


def _of_runtime(document: Document) -> Document:
    """The pod of a ServingRuntime, whose spec has fields of its own beside a pod's."""
    return {"metadata": {}, "spec": {name: document["spec"][name] for name in ("containers", "volumes")}}


def check_style(path: Path) -> Verdict:
    """yamllint on one file."""
    problems = [
        f"line {problem.line}: {problem.message}" for problem in linter.run(path.read_text("utf-8"), YAML_STYLE)
    ]
    return refused("; ".join(problems)) if problems else OK


CHECKERS: dict[str, Checker] = {
    **{f"API {version}": partial(check_kubernetes, version=version) for version in VERSIONS},
    "CRD schema": check_schema,
    "CRD rules": check_rules,
    "pods in it": check_pods,
}


def check_object(document: Document) -> dict[str, Verdict]:
    """What every checker says of one object."""
    return {name: check(document) for name, check in CHECKERS.items()}


def file_rows() -> Iterator[Row]:
    """Every file: its style, and whether a kustomization uses it."""
    used = _used_files()
    for path in files():
        kustomize = OK if path in used else refused("no kustomization names it")
        verdicts = {"yamllint": check_style(path), "kustomize": kustomize}
        yield Row(rendering="(file)", name=str(path.relative_to(ROOT)), verdicts=verdicts)


def object_rows() -> Iterator[Row]:
    """Every object of every rendering."""
    for rendering in (*RENDERINGS, *CANARY, *SCALING, *PLACES, *BULK):
        yield from _rendering_rows(rendering)


def _rendering_rows(rendering: str) -> Iterator[Row]:
    if not has_kubectl():
        yield Row(rendering=rendering, name="", verdicts={"kustomize": skipped("there is no kubectl")})
        return
    try:
        documents = render(rendering)
    except KustomizeError as error:
        yield Row(rendering=rendering, name="", verdicts={"kustomize": refused(str(error))})
        return
    for document in documents:
        yield Row(rendering=rendering, name=label(document), verdicts={"kustomize": OK} | check_object(document))


def _is_custom(document: Document) -> bool:
    return document["apiVersion"].partition("/")[0] in CUSTOM_GROUPS


def _check_custom(document: Document, faults_of: Callable[[crds.Schema, Document], list[str]]) -> Verdict:
    if not _is_custom(document):
        return NOT_MINE
    definitions = crds.folder()
    if not definitions.is_dir():
        return skipped(f"{definitions}: no such folder of CRDs; BERTH_CRDS names another")
    schema = crds.schemas(definitions).get((document["apiVersion"], document["kind"]))
    if schema is None and document["apiVersion"].partition("/")[0] in UNPUBLISHED:
        return skipped(f"no package has CRDs of {document['apiVersion']}, and {definitions} has no {document['kind']}")
    if schema is None:
        return refused(f"{definitions} has no {document['kind']} of {document['apiVersion']}")
    faults = faults_of(schema, document)
    return refused("; ".join(faults)) if faults else OK


def _used_files() -> set[Path]:
    """Kustomizations, and what they name."""
    kustomizations = [path for path in files() if path.name == "kustomization.yaml"]
    used = set(kustomizations)
    for path in kustomizations:
        content = yaml.safe_load(path.read_text("utf-8"))
        patches = [patch["path"] for patch in content.get("patches", []) if "path" in patch]
        names = [*content.get("resources", []), *patches]
        used |= {(path.parent / name).resolve() for name in names}
    return used
