"""When a new version is worse than the old one, by what the front counted of both. Pure."""

from ...front.reports.counters import Counters

MORE_ERRORS = 0.01  # of all requests, above the old one's share
ENOUGH = 20  # requests, of which a mean says something
WARM_S = 10.0  # a java is slow in its first seconds: what was watched for less says nothing of its time
SLOWER, SLOWER_MS = 2.0, 50.0  # times the old one's mean, and so many ms above that


def why_worse(old: Counters, new: Counters) -> str | None:
    """Say which errors the new one shall not stay for; None where there are none."""
    if new.errors and new.error_rate > old.error_rate + MORE_ERRORS:
        return f"{new.errors} of {new.requests} answers are errors (500 and above), {old.errors} of {old.requests} were"
    return None


def why_slower(old: Counters, new: Counters, watched_s: float) -> str | None:
    """Say how much slower the new one is at the end of its trial; None where it is not, or too little is known.

    What is slower makes the front refuse more, too.
    """
    if why_not_judged(old, new, watched_s):
        return None
    if new.refused_share > old.refused_share + MORE_ERRORS:
        return f"{new.refused} of {new.asked} requests were refused for want of time, {old.refused} of {old.asked} were"
    if new.mean_ms > old.mean_ms * SLOWER + SLOWER_MS:
        return f"a request takes {new.mean_ms:.0f} ms on average, and took {old.mean_ms:.0f}"
    return None


def why_not_judged(old: Counters, new: Counters, watched_s: float) -> str | None:
    """Say why nobody knows whether the new one is slower; None where that was judged. Errors always are."""
    if new.asked < ENOUGH:
        return f"too few to judge ({new.asked} of {ENOUGH})"
    if old.asked < ENOUGH:
        return f"too few of the old one to judge by ({old.asked} of {ENOUGH})"
    if watched_s < WARM_S:
        return f"too short to judge ({watched_s:g} of {WARM_S:g} s)"
    return None
