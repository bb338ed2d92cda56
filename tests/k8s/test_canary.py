"""A second version beside the served one: the same pod under another name, and a share of the requests for it."""

from typing import Any

from .conftest import Rendered
from .renderings import Document, label, pick

NAME = "berth"
CANARY = "berth-canary"
ROUTE = "base + gateway + canary"
SHARED = {"Namespace/berth", "Gateway/berth", "HTTPRoute/berth", "Rules/berth"}
"""What the served version owns, and a canary that is deleted must leave; rules ask about the pods of both."""


def renamed(value: Any) -> Any:
    """The same with every `berth` that is a name or a label made the canary's."""
    if isinstance(value, dict):
        return {key: renamed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner) for inner in value]
    return CANARY if value == NAME else value


def without_name(document: Document) -> Document:
    return renamed({**document, "metadata": {**document["metadata"], "name": ""}})  # type: ignore[no-any-return]


def test_it_is_what_is_served_under_another_name(rendered: Rendered) -> None:
    """Selectors, labels and targets too: neither version's policies, probes or Services take the other's pods."""
    served = [each for each in rendered("base + gateway + monitoring") if label(each) not in SHARED]
    canary = rendered("gke-canary")
    assert {label(each) for each in canary} == {f"{label(each)}-canary" for each in served}
    for document in canary:
        (container,) = document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [{}])
        if container:
            container["name"] = CANARY  # only a container's own name may stay
        former = pick(served, document["kind"], document["metadata"]["name"].removesuffix("-canary"))
        assert without_name(document) == without_name(former)


def test_a_tenth_of_the_requests_goes_to_it(rendered: Rendered) -> None:
    (rule,) = pick(rendered(ROUTE), "HTTPRoute")["spec"]["rules"]
    (plain,) = pick(rendered("base + gateway"), "HTTPRoute")["spec"]["rules"]
    assert [(each["name"], each["weight"]) for each in rule.pop("backendRefs")] == [(NAME, 90), (CANARY, 10)]
    plain.pop("backendRefs")
    assert rule == plain
    service = pick(rendered("gke-canary"), "Service", CANARY)
    assert 8080 in [port["port"] for port in service["spec"]["ports"]]
