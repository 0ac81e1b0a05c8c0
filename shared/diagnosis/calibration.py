"""How often verdicts of one strength turned out right: what a confidence should say.

A signature's own confidence is its author's belief. This table moves it to what was
measured. The measure may lower any confidence. It never lifts a verdict that acts alone over the
threshold for that, nor at all where one of its strength was seen to act wrongly.

Provenance of ``TABLE``: ``python -m bench.calibrate --corpus FILE`` on 167 labelled
failures from 90 public pages, 21 November 2026. Each row was read twice: with all
signatures, and without the phrases that only its own page shows.
"""

from collections.abc import Mapping
from typing import NamedTuple

from shared.diagnosis.signature import Tier

# Ordinary words name no cause for certain, however often they happen to be right.
MOST_FOR_WORDS = 0.49
# The corpus itself is labelled rightly no more often than this.
MOST = 0.99


# What an action needs to be taken without a person, unless operators ask for more.
ALONE = 0.8


class Strength(NamedTuple):
    """What a verdict rests on: how telling its weakest match is, and if it acts alone."""

    tier: Tier
    acts: bool


class Measured(NamedTuple):
    """Of verdicts of one strength: what they claimed on average and how many were right.

    ``unsafe`` is the number of those that would have done, unattended, what a person
    would not have done; with the others it is a fraction 0-1.
    """

    claimed: float
    right: float
    unsafe: int = 0


Table = Mapping[Strength, Measured]

TABLE: Table = {
    Strength(Tier.FAINT, acts=False): Measured(0.49, 0.618, 0),  # 16 verdicts
    Strength(Tier.HINT, acts=False): Measured(0.585, 0.657, 0),  # 10 verdicts
    Strength(Tier.OUTER, acts=False): Measured(0.798, 0.657, 0),  # 23 verdicts
    Strength(Tier.TEXT, acts=False): Measured(0.87, 0.943, 0),  # 43 verdicts
    Strength(Tier.INNER, acts=False): Measured(0.935, 0.987, 0),  # 113 verdicts
    Strength(Tier.HINT, acts=True): Measured(0.692, 0.786, 1),  # 6 verdicts
    Strength(Tier.OUTER, acts=True): Measured(0.844, 0.93, 0),  # 24 verdicts
    Strength(Tier.TEXT, acts=True): Measured(0.879, 0.93, 0),  # 17 verdicts
    Strength(Tier.INNER, acts=True): Measured(0.922, 0.993, 0),  # 68 verdicts
}


def calibrated(confidence: float, strength: Strength, table: Table = TABLE) -> float:
    """Return the measured counterpart of ``confidence``, both fractions 0-1.

    Monotone in ``confidence``: a straight line from nothing through what was measured
    to certainty. A strength that was never measured keeps what it claims.
    """
    measured = table.get(strength)
    moved = _on_line(confidence, measured) if measured else confidence
    if strength.acts and (confidence < ALONE or (measured and measured.unsafe)):
        moved = min(moved, confidence)
    return min(moved, MOST_FOR_WORDS if strength.tier is Tier.FAINT else MOST)


def _on_line(confidence: float, measured: Measured) -> float:
    claimed, right, _ = measured
    if confidence <= claimed:
        return confidence * right / claimed
    return 1 - (1 - confidence) * (1 - right) / (1 - claimed)
