"""What a benchmark hands over: a number with its repetitions, its spread and its goal."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goal:
    """What the median must reach; one of the two bounds."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        """Tell whether ``value`` is good enough."""
        low = self.at_least is None or value >= self.at_least
        high = self.at_most is None or value <= self.at_most
        return low and high

    def __str__(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: Dotted: benchmark, what was measured, variant.
        unit: Of the value and of every run, e.g. ``1/s``.
        runs: One value per repetition, in the order they were measured; never empty.
        about: One sentence: what was done, under which durability.
        facts: Counts, sizes and the like; JSON values.
    """

    name: str
    unit: str
    runs: Sequence[float]
    about: str
    goal: Goal | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    @property
    def plus_minus_percent(self) -> float:
        """Half of the range, in percent of the median: how much to trust the value."""
        if not self.value:
            return 0.0
        return abs(50 * (max(self.runs) - min(self.runs)) / self.value)

    def to_json(self, **more: object) -> str:
        """Return the line that is printed."""
        line: dict[str, object] = {
            "figure": self.name,
            "value": _short(self.value),
            "unit": self.unit,
            "runs": [_short(run) for run in self.runs],
            "low": _short(min(self.runs)),
            "high": _short(max(self.runs)),
            "plus_minus_percent": round(self.plus_minus_percent, 1),
        }
        if self.goal is not None:
            line |= {"goal": str(self.goal), "met": self.goal.met(self.value)}
        return json.dumps({**line, "about": self.about, **self.facts, **more})

    def sentence(self) -> str:
        """Return the figure for a person."""
        verdict = ""
        if self.goal is not None:
            verdict = f"   goal {self.goal}: {'met' if self.goal.met(self.value) else 'MISSED'}"
        return (
            f"{self.name:<52} {_short(self.value):>10g} {self.unit:<12}"
            f" +-{self.plus_minus_percent:.0f} %{verdict}"
        )


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return one ratio per repetition; both were measured side by side in each."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` of ``values`` do not exceed."""
    ordered = sorted(values)
    place = max(0, min(len(ordered) - 1, round(percent / 100 * len(ordered)) - 1))
    return ordered[place]


def _short(value: float) -> float:
    """Keep four digits: the noise is larger than the fifth."""
    return float(f"{value:.4g}")
