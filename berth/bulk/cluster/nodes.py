"""The nodes of a cluster: who they are, and that each can do what is asked, before the first row."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ...errors import BerthError, Refused
from ..manifest import differences
from ..messages import Failed, Ready
from ..prepare import Prepared
from ..storage.folder import DRAFT
from ..storage.places import address_of, write_part
from ..workers import ERRORS
from .node import Kind, Look, Seats, look, settle

MOST_INPUTS = 16
"""Inputs that each node looks at; of more, so many at equal distances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node that is alive."""

    id: str
    name: str
    """That it was started with, else its address."""
    seats: Seats


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Nodes that can do what is asked."""

    nodes: Sequence[Node]
    kinds: Sequence[Kind]
    """How they differ in what decides the last bits; most clusters have one."""

    @property
    def workers(self) -> int:
        """How many actors all of them hold."""
        return sum(node.seats.workers for node in self.nodes)

    @property
    def traits(self) -> Mapping[str, Any]:
        """What the manifest says of the machine beside engine and versions."""
        if len(self.kinds) > 1:
            return {"nodes": [kind.machine for kind in self.kinds]}
        (kind,) = self.kinds
        return {name: value for name, value in kind.machine.items() if name not in {"engine", "versions"}}

    @property
    def ready(self) -> Ready:
        """What the first kind says."""
        return self.kinds[0].ready


def find_nodes() -> list[Node]:
    """Those with a core to give, or where any has GPUs those with one; Refused where there is none."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    has_gpus = any(node["Resources"].get("GPU", 0) >= 1 for node in alive)
    found = [Node(id=node["NodeID"], name=node["NodeName"], seats=_seats(node)) for node in alive]
    found = [node for node in found if (node.seats.gpus if has_gpus else node.seats.cores)]
    if not found:
        raise Refused("no node of this Ray cluster gives a CPU: start one with `ray start --num-cpus`")
    return found


def _seats(node: Mapping[str, Any]) -> Seats:
    resources = node["Resources"]
    return Seats(cores=int(resources.get("CPU", 0)), gpus=int(resources.get("GPU", 0)))


def check_nodes(prepared: Prepared) -> Cluster:
    """Ask every node to load the model and to see the files; an error names the nodes that cannot."""
    nodes = find_nodes()
    chosen = prepared.sources[:: max(1, -(-len(prepared.sources) // MOST_INPUTS))]
    job = settle(prepared.job, [source.path for source in chosen])
    probe = job.output / f"{DRAFT}{uuid.uuid4().hex}"
    write_part(address_of(probe), b"")
    names = {str(source.path) for source in chosen}
    # A node is told each file by itself, and has no folders that lie between it and what was named.
    inputs = [{**each, "partitions": None} for each in prepared.inputs if each["path"] in names]
    asked = Look(job=job, inputs=inputs, probe=probe.name)
    found = list(zip(nodes, _look(asked, nodes), strict=True))
    there = [(node, said) for node, said in found if isinstance(said, Kind)]
    _raise_failures([(node, said) for node, said in found if isinstance(said, Failed)], is_all=not there)
    if not there:
        raise BerthError("all nodes of the Ray cluster were lost before the start: run the same command again")
    return Cluster(nodes=[node for node, _ in there], kinds=_kinds(there, prepared))


def _look(asked: Look, nodes: Sequence[Node]) -> list[Kind | Failed | None]:
    """What each node says; None of one that is gone."""
    task = ray.remote(max_retries=0)(look)
    references = [
        task.options(
            num_cpus=0 if node.seats.gpus else 1,
            num_gpus=0.5 if node.seats.gpus else 0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
        ).remote(asked, node.seats, node.name)
        for node in nodes
    ]
    return [_said(reference, node) for reference, node in zip(references, nodes, strict=True)]


def _said(reference: Any, node: Node) -> Kind | Failed | None:
    try:
        said: Kind | Failed = ray.get(reference)
        return said
    except (RayError, RuntimeError) as error:
        if not any(each["Alive"] for each in ray.nodes() if each["NodeID"] == node.id):
            return None
        first = next((line for line in reversed(str(error).splitlines()) if line.strip()), str(error))
        return Failed(message=f"berth could not run there, in a Python like this one's: {first.strip()}")


def _raise_failures(failed: Sequence[tuple[Node, Failed]], *, is_all: bool) -> None:
    """What all say alike is said as one machine would say it."""
    if not failed:
        return
    node, first = failed[0]
    where = "" if is_all and all(said == first for _, said in failed) else f"node {node.name}: "
    raise ERRORS.get(first.exit_code, BerthError)(f"{where}{first.message}")


def _kinds(there: Sequence[tuple[Node, Kind]], prepared: Prepared) -> list[Kind]:
    """The kinds of machine among the nodes, in an order of their own; Refused where several are not allowed."""
    kinds = {json.dumps(kind.machine, sort_keys=True): (node, kind) for node, kind in reversed(there)}
    found = [kinds[key] for key in sorted(kinds)]
    if len(found) > 1 and not prepared.job.allow_other_machine:
        (node, kind), (other, another) = found[:2]
        said = next(differences(kind.machine, another.machine, ""))
        raise Refused(
            f"the Ray cluster has several kinds of machine, {said} ({node.name} there, {other.name} now): which one "
            "made a part would decide its last bits. Leave one kind out, or give --allow-other-machine, which is "
            "recorded"
        )
    return [kind for _, kind in found]
