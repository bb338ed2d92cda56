"""What the front and its gateway add to a budget, and how many clients there is room for."""

from dataclasses import replace

from berth.gateway.over_http import embeddings as splitting
from berth.gateway.over_http import embeddings_door as door
from berth.gateway.over_http import reading
from berth.machine.quantities import GIB
from berth.memory.budget import (
    CONNECTION_BYTES,
    FRONT_BYTES,
    GATEWAY_BYTES,
    LARGE_AT_ONCE,
    LARGE_BODY_BYTES,
    LARGE_FACTOR,
    LARGE_PARTS,
    TLS_BYTES,
    ModelLoad,
)
from berth.memory.fit import FEWEST_CONNECTIONS, MOST_CONNECTIONS, MemoryPlan, fit
from handler.config import MAX_INPUTS_PER_REQUEST, Task
from handler.sizes import BYTES_PER_NUMBER

from .test_budget import BERT_BASE, SERVER, amounts, budget, machine, with_config


def test_a_front_is_counted_where_there_is_one() -> None:
    found = budget(server=replace(SERVER, connections=1_000))
    assert amounts(found)["the front"] == FRONT_BYTES
    assert amounts(found)["the gateway"] == GATEWAY_BYTES
    large = LARGE_AT_ONCE * LARGE_FACTOR * LARGE_BODY_BYTES
    assert found.total_bytes - budget().total_bytes == FRONT_BYTES + large + 1_000 * CONNECTION_BYTES


def test_without_a_front_the_gateway_is_there_for_the_page() -> None:
    assert amounts(budget())["the page"] == GATEWAY_BYTES


def test_tls_takes_more() -> None:
    in_clear, encrypted = (budget(server=replace(SERVER, connections=1_000, has_tls=tls)) for tls in (False, True))
    assert encrypted.total_bytes - in_clear.total_bytes == 1_000 * TLS_BYTES


def test_the_gateway_holds_what_many_embeddings_take() -> None:
    with_front, embeddings = replace(SERVER, connections=1_000), with_config(task=Task.EMBEDDINGS)
    more = [
        amounts(budget(facts, server=with_front))["a request for many embeddings"] for facts in (BERT_BASE, embeddings)
    ]
    assert more[1] - more[0] == LARGE_FACTOR * LARGE_PARTS * 256 * 768 * BYTES_PER_NUMBER
    assert (door.LARGE_AT_ONCE, reading.MAX_BYTES) == (LARGE_AT_ONCE, LARGE_BODY_BYTES)
    assert splitting.MAX_INPUTS == LARGE_PARTS * MAX_INPUTS_PER_REQUEST


def plan_with_front(memory: int, workers: int = 1) -> MemoryPlan:
    server = replace(SERVER, connections=FEWEST_CONNECTIONS)
    return fit([ModelLoad(size=BERT_BASE, workers=workers)], server, machine(memory), why_workers="so it was said")


def test_a_front_holds_as_many_clients_as_memory_is_left_for() -> None:
    large = plan_with_front(24 * GIB)
    assert large.connections == MOST_CONNECTIONS
    least = large.least.total_bytes
    assert plan_with_front(least).connections == FEWEST_CONNECTIONS
    assert plan_with_front(least - 1).refusal is not None
    between = plan_with_front(least + 1_500 * CONNECTION_BYTES)
    assert (between.max_workers, between.connections) == (1, FEWEST_CONNECTIONS + 1_500)
    assert between.budget.total_bytes == least + 1_500 * CONNECTION_BYTES


def test_clients_come_before_workers_that_may_be_added() -> None:
    all_connections = plan_with_front(plan_with_front(24 * GIB).least.total_bytes + 11_000 * CONNECTION_BYTES)
    assert (all_connections.connections, all_connections.max_workers) == (MOST_CONNECTIONS, 1)
    second_worker = budget(workers=2, server=replace(SERVER, connections=MOST_CONNECTIONS))
    assert plan_with_front(second_worker.total_bytes).max_workers == 2
