"""Custom resources against the models that a package has of them, where there is no definition: KEDA's, KServe's."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.resources import Resource
from pydantic import ValidationError

from .renderings import Document

KSERVE = {
    ("serving.kserve.io/v1alpha1", "ServingRuntime"): "V1alpha1ServingRuntime",
    ("serving.kserve.io/v1beta1", "InferenceService"): "V1beta1InferenceService",
}
PLAIN: dict[str, type] = {"str": str, "int": int, "bool": bool}


def knows(document: Document) -> bool:
    """Whether a package has a model of this kind."""
    kind = (document["apiVersion"], document["kind"])
    return kind in KSERVE or (kind[0] == "keda.sh/v1alpha1" and _keda(kind[1]) is not None)


def faults(document: Document) -> list[str]:
    """What the model refuses, unknown fields included."""
    model = KSERVE.get((document["apiVersion"], document["kind"]))
    return list(_kserve_faults(model, document, "$")) if model else _keda_faults(document)


def _keda_faults(document: Document) -> list[str]:
    """Wrong types, missing fields, and fields that are not kept, for the model has no name for them."""
    model = _keda(document["kind"])
    assert model is not None
    try:
        kept = model.model_validate(document).model_dump(mode="json", by_alias=True, exclude_unset=True)
    except ValidationError as error:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return [] if kept == document else [f"KEDA has other fields: {kept}"]


@cache
def _keda(kind: str) -> type[Resource] | None:
    return getattr(keda, kind, None)


def _kserve_faults(kind: str, value: Any, place: str) -> Iterator[str]:
    """Where a value is not of a kind that KServe's own generated models name; the API's own kinds are not its."""
    if listed := re.fullmatch(r"list\[(.+)\]", kind):
        if not isinstance(value, list):
            yield f"{place}: no list"
            return
        for index, each in enumerate(value):
            yield from _kserve_faults(listed[1], each, f"{place}[{index}]")
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or (isinstance(value, bool) and kind != "bool"):
            yield f"{place}: no {kind}"
    elif fields := _kserve_fields(kind):
        yield from (f"{place}.{name}: no such field" for name in value.keys() - fields.keys())
        for name in value.keys() & fields.keys():
            yield from _kserve_faults(fields[name], value[name], f"{place}.{name}")


@cache
def _kserve_fields(kind: str) -> dict[str, str]:
    """The fields of a model and their kinds, read and not imported, which would load a server; {}: not its own."""
    spec = find_spec("kserve")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    file = Path(spec.submodule_search_locations[0], "models", f"{name}.py")
    if not file.is_file():
        return {}
    kinds, names = (
        ast.literal_eval(found)
        for found in re.findall(
            r"^    (?:openapi_types|attribute_map) = (\{.*?\})", file.read_text("utf-8"), re.M | re.S
        )
    )
    return {names[field]: kinds[field] for field in kinds}
