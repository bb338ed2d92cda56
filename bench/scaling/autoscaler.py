"""Kubernetes' HorizontalPodAutoscaler (pkg/controller/podautoscaler), as far as a decision goes. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

SYNC_S = 15.0  # --horizontal-pod-autoscaler-sync-period
TOLERANCE = 0.1  # --horizontal-pod-autoscaler-tolerance
FAST = {"stabilizationWindowSeconds": 0, "policies": [("Percent", 100, 15), ("Pods", 4, 15)]}
SLOW = {"stabilizationWindowSeconds": 300, "policies": [("Percent", 100, 15)]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One direction of spec.behavior."""

    window_s: float
    policies: Sequence[tuple[str, int, float]]
    """(Percent or Pods, value, period in seconds); the one that allows most counts."""

    @classmethod
    def read(cls, behaviour: Mapping[str, Any], defaults: Mapping[str, Any]) -> Self:
        """Read what an object says, Kubernetes' own defaults where it says nothing."""
        said = [(each["type"], each["value"], each["periodSeconds"]) for each in behaviour.get("policies", [])]
        window_s = behaviour.get("stabilizationWindowSeconds", defaults["stabilizationWindowSeconds"])
        return cls(window_s=window_s, policies=said or defaults["policies"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A HorizontalPodAutoscaler's spec."""

    min_pods: int
    max_pods: int
    target: float
    """The metric's mean over pods."""
    up: Rules
    down: Rules

    @classmethod
    def read(cls, limits: Mapping[str, Any], target: float, behaviour: Mapping[str, Any]) -> Self:
        """Read an object's limits and behaviour."""
        return cls(
            min_pods=limits["minReplicas"],
            max_pods=limits["maxReplicas"],
            target=target,
            up=Rules.read(behaviour.get("scaleUp", {}), FAST),
            down=Rules.read(behaviour.get("scaleDown", {}), SLOW),
        )


def desired_pods(values: Sequence[float | None], target: float) -> int:
    """What the metric asks for; None is a pod that has none yet: nothing where more are wanted, else the target."""
    current, known = len(values), [value for value in values if value is not None]
    if not known:
        return current
    ratio = sum(known) / len(known) / target
    if len(known) == current:
        return current if abs(ratio - 1) <= TOLERANCE else math.ceil(ratio * current)
    missing = 0.0 if ratio > 1 else target
    careful = (sum(known) + missing * (current - len(known))) / current / target
    if abs(careful - 1) <= TOLERANCE or (careful > 1) != (ratio > 1):
        return current
    return math.ceil(careful * current)


@dataclass(slots=True, kw_only=True)
class Autoscaler:
    """One autoscaler's memory: what it wanted, and what it changed."""

    settings: Settings
    _wanted: list[tuple[float, int]] = field(default_factory=list)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    def decide(self, now_s: float, values: Sequence[float | None]) -> int:
        """How many pods there shall be, of the metric of those that are."""
        current, limits = len(values), self.settings
        wanted = min(max(desired_pods(values, limits.target), limits.min_pods), limits.max_pods)
        oldest_s = now_s - max(limits.up.window_s, limits.down.window_s)
        self._wanted = [*((at_s, pods) for at_s, pods in self._wanted if at_s >= oldest_s), (now_s, wanted)]
        wanted = self._limited(now_s, current, self._stabilised(now_s, current))
        if wanted != current:
            self._changes.append((now_s, wanted - current))
        return min(max(wanted, limits.min_pods), limits.max_pods)

    def _stabilised(self, now_s: float, current: int) -> int:
        """No more than was wanted throughout the upper window, no fewer than at any time of the lower one."""
        least, most = (
            choose(wanted for at_s, wanted in self._wanted if at_s >= now_s - rules.window_s)
            for choose, rules in ((min, self.settings.up), (max, self.settings.down))
        )
        return min(max(current, least), most)

    def _limited(self, now_s: float, current: int, wanted: int) -> int:
        """As far as the policies allow it, of what there was when each period began."""
        up = wanted > current
        rules, sign = (self.settings.up, 1) if up else (self.settings.down, -1)
        limits = [
            _allowed(kind, value, current - sum(by for at_s, by in self._changes if at_s > now_s - period_s), sign)
            for kind, value, period_s in rules.policies
        ]
        return min(wanted, max(limits)) if up else max(wanted, min(limits))


def _allowed(kind: str, value: int, began_with: int, sign: int) -> int:
    if kind == "Pods":
        return began_with + sign * value
    changed = began_with * (1 + sign * value / 100)
    return math.ceil(changed) if sign > 0 else int(changed)
