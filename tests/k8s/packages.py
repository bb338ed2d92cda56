"""Custom resources against the models that a package has of them, where no definition can be had: KEDA's."""

from functools import cache

from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.resources import Resource
from pydantic import ValidationError

from .renderings import Document

GROUP = "keda.sh"


def knows(document: Document) -> bool:
    """Whether a package has a model of this kind."""
    return document["apiVersion"] == f"{GROUP}/v1alpha1" and _model(document["kind"]) is not None


def faults(document: Document) -> list[str]:
    """What the model refuses: wrong types and missing fields, and fields that it does not keep, for it has no name."""
    model = _model(document["kind"])
    assert model is not None
    try:
        kept = model.model_validate(document).model_dump(mode="json", by_alias=True, exclude_unset=True)
    except ValidationError as error:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return [] if kept == document else [f"{GROUP} has other fields: {kept}"]


@cache
def _model(kind: str) -> type[Resource] | None:
    return getattr(keda, kind, None)
