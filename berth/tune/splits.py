"""Which splits of a machine are worth a try. Pure."""

from itertools import product

from handler.config import HandlerConfig

from ..machine.machine import Machine
from ..memory.split import Split

SMALLER_BUDGET = 4  # times as small as the device's own
MOST_ON_A_GPU = 8  # workers of which anybody has measured that they bring something


def plan_splits(machine: Machine, config: HandlerConfig, default_workers: int, asked_workers: int) -> list[Split]:
    """List the splits to try, `berth serve`'s own first.

    `default_workers`: how many it starts with where nobody says so; `asked_workers`: how many the settings ask for,
    which are then the only ones; 0: they leave it open.
    """
    own = asked_workers or default_workers
    device = "cuda" if machine.num_gpus else "cpu"
    budget = config.token_budget_on(device)
    budgets = dict.fromkeys((budget, max(budget // SMALLER_BUDGET, config.max_tokens)))
    workers = dict.fromkeys([own, *([] if asked_workers else _worker_counts(machine))])
    pairs = [(number, threads) for number in workers for threads in _thread_counts(machine, number)]
    return [
        Split(workers=number, threads=threads, token_budget=tokens)
        for (number, threads), tokens in product(pairs, budgets)
    ]


def _worker_counts(machine: Machine) -> list[int]:
    """Doubled from one, on each GPU where there are any; no more than cores."""
    each = max(1, machine.num_gpus)
    most = min(machine.cores, MOST_ON_A_GPU * each) if machine.num_gpus else machine.cores
    return [number for doublings in range(most.bit_length()) if (number := each << doublings) <= most]


def _thread_counts(machine: Machine, workers: int) -> list[int]:
    """A worker's share of the cores first, as `serve` gives it; on a CPU half of that and twice as many too."""
    share = max(1, machine.cores // workers)
    others = () if machine.num_gpus else (share // 2, min(2 * share, machine.cores))
    return list(dict.fromkeys([share, *(threads for threads in others if threads)]))
