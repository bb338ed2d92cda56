"""`python -m bench.costs`: what do a million texts cost, beside hosted embeddings? From figures that are kept here."""

import statistics

from berth.sources.sample import sample_folder

from ..peers.measure.mixes import LOGNORMAL, make_mix
from ..texts import num_tokens
from .page import claim_lines, cpu_table, gpu_table, hosted_table, machine_table
from .prices import machine, prices
from .rates import cpu_rates, gpu_rates

MACHINE = "e2-standard-4"
PAGES = """\
Requests/s are of 32 clients, each of which asks again when it is answered; the pages are peers.md, peers-avx512.md,
peers-avx2.md and peers-avx2-base.md, in this order, and have dates and commits.
"""
CARD = """\
It is not so, not even for one client. What is true is that one client gets little of a card.

The card's figures are of 2026-11-28 at commit 8858514 (the graphs: a prototype of today's), bf16, with 16 cores of its
host and 256 or 512 clients (bench/costs/gpu.json). They were taken by hand; a page of `make gpu-check` shall replace
them. An H100 has no price here, for the source's own differ by more than twice between regions (4.20 to 11.03 dollars
an hour), and no L4 was measured.
"""


def render() -> str:
    """The page, the same until a figure or a price is another."""
    tokens = statistics.fmean(map(num_tokens, make_mix(LOGNORMAL, sample_folder())))
    price, cpu, gpu = machine(MACHINE), cpu_rates(), gpu_rates()
    return f"""# What texts cost

Written by `python -m bench.costs > docs/bench/costs.md` from the figures beside this page. A text has {tokens:.1f}
tokens on average (lognormal), a request one text. The machines were virtual ones with two cores, none of them GKE's. A
price is that of an {MACHINE}, on which a pod with two of its cores runs alone (k8s/base):
{price.dollars} dollars per {price.unit} ({price.source}; {price.read}).
The server is busy without a pause: a load that comes and goes costs two to four times as much
([scaling.md](../scaling.md)). No disk, load balancer, control plane or traffic is counted.

{cpu_table(cpu, price, tokens)}

{PAGES}
## Other machine types of GKE

{machine_table(prices("machines"))}

The same source, region and day. The first three have 4 CPUs and 15 or 16 GiB, and the last is that of
overlays/gke-gpu: 8 CPUs, 32 GiB and an L4. None was measured: where one is as fast as a row above, that row's dollars
are so many times as much.

## Beside hosted embeddings

{hosted_table(prices("hosted"), tokens)}

Their models are others, and mostly larger: the table compares prices, not answers. No page of the sellers themselves
was read; look there before you decide.

## "Unbatched, a CPU is nearly as fast as a GPU"

So it is said where a BERT is put behind a web server. Measured, for a BERT-base:

{gpu_table(gpu, tokens)}

{claim_lines(cpu, gpu)}
{CARD}"""


if __name__ == "__main__":
    print(render(), end="")
