"""How long requests take, counted by HAProxy itself for each model: a number for each bucket, and the sum.

A program that read its log would cost more than the front does, and miss what the log drops.
"""

from collections.abc import Iterator, Mapping

from ...exposition import Sample
from .runtime_tables import Entry

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From a GPU's shortest answer to a CPU's longest."""
MOST_US = 1 << 40
SUM_US, SUM_S = 1, 2
"""Of an entry's numbers of 32 bits: the sum's microseconds below a second, and seconds; 0 is the table's own."""
STORED = f"gpt(3),gpc({len(BOUNDS_S) + 1})"
"""What a table stores for it, and for when the model last answered."""


def histogram_lines(slot: int, began_us: str, condition: str) -> Iterator[str]:
    """Write how an answer is counted with the entry of this slot, where the condition holds.

    Two threads that answer in the same instant may add one to the sum and not the other; no bucket misses any.
    """
    yield f"    http-response set-var(txn.took_us) date(0,us),sub({began_us}) if {condition}"
    bounds_us = [round(bound * 1e6) for bound in BOUNDS_S]
    for index, (low, high) in enumerate(
        zip([0, *(each + 1 for each in bounds_us)], [*bounds_us, MOST_US], strict=True)
    ):
        when = f"{{ var(txn.took_us) -m int {low}:{high} }}"
        yield f"    http-response sc-inc-gpc({index},{slot}) if {condition} {when}"
    is_counted = f"{condition} {{ var(txn.took_us) -m int 0:{MOST_US} }}"  # else the clock was set back meanwhile
    yield f"    http-response set-var(txn.sum_us) sc_get_gpt({SUM_US},{slot}),add(txn.took_us) if {is_counted}"
    yield f"    http-response set-var(txn.sum_s) var(txn.sum_us),div(1000000) if {is_counted}"
    yield f"    http-response set-var(txn.sum_s) sc_get_gpt({SUM_S},{slot}),add(txn.sum_s) if {is_counted}"
    yield f"    http-response sc-set-gpt({SUM_US},{slot}) var(txn.sum_us),mod(1000000) if {is_counted}"
    yield f"    http-response sc-set-gpt({SUM_S},{slot}) var(txn.sum_s) if {is_counted}"


def histogram_samples(entry: Entry, labels: Mapping[str, str]) -> Iterator[Sample]:
    """The samples of a table's entry, all 0 where it has none yet."""
    count = 0
    for index, bound in enumerate([*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]):
        count += entry.get(f"gpc{index}", 0)
        yield Sample(suffix="_bucket", labels={**labels, "le": bound}, value=count)
    yield Sample(suffix="_sum", labels=labels, value=entry.get(f"gpt{SUM_S}", 0) + entry.get(f"gpt{SUM_US}", 0) / 1e6)
    yield Sample(suffix="_count", labels=labels, value=count)
