"""Cross-validation by source page: what the diagnosis is worth on pages nobody has read.

The signatures were written with the corpus at hand, so scoring them on it flatters
them. Two corrections, each page in turn:

- the confidences are calibrated on the other pages only;
- withheld: the phrases that no other page shows are taken away as well, whether they
  were learnt there or known before. That is harsher than any new page: a lower bound.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bench.corpus import Row
from shared.diagnosis.calibration import Measured, Strength, Table
from shared.diagnosis.diagnose import acts_alone, diagnose
from shared.diagnosis.hits import ALL, Catalogue
from shared.diagnosis.match import verdict
from shared.diagnosis.phrases import occurs
from shared.diagnosis.reading import bounded, plain
from shared.diagnosis.signature import PASSIVE, Phrase, Tier
from shared.domain.analysis import Action


@dataclass(frozen=True, slots=True)
class Sample:
    """One verdict that names a category, before calibration, and whether it was right."""

    page: str
    strength: Strength
    claimed: float
    right: bool
    unsafe: bool  # it would act without a person where one would not have done so


def withheld(rows: Iterable[Row]) -> dict[str, Catalogue]:
    """Return for each page all signatures without the phrases that only this page shows."""
    rows = list(rows)
    shown_on = _shown_on(rows)
    return {page: _without(page, shown_on) for page in {row.page for row in rows}}


def _shown_on(rows: Iterable[Row]) -> dict[Phrase, set[str]]:
    prose = [(row.page, f" {plain(bounded(row.message))} ") for row in rows]
    phrases = {phrase for signature in ALL.signatures for phrase in signature.phrases}
    return {phrase: {page for page, text in prose if occurs(phrase, text)} for phrase in phrases}


def _without(page: str, shown_on: dict[Phrase, set[str]]) -> Catalogue:
    return Catalogue(
        replace(
            signature,
            phrases=tuple(each for each in signature.phrases if shown_on[each] != {page}),
        )
        for signature in ALL.signatures
    )


def samples(rows: Iterable[Row], catalogues: dict[str, Catalogue]) -> Iterator[Sample]:
    """Return one sample per labelled row and reading: with all signatures, and withheld."""
    for row in rows:
        for catalogue in (ALL, catalogues[row.page]) if row.category else ():
            found = verdict(row.facts(), catalogue)
            if found.hit is None or found.weakest is None or found.contested:
                continue
            action = diagnose(row.facts(), catalogue).action
            strength = Strength(found.weakest.tier, acts=acts_alone(found, action))
            right = found.hit.signature.category == row.category
            unsafe = strength.acts and _is_wrong(action, row.best_action)
            yield Sample(row.page, strength, found.confidence, right, unsafe)


def _is_wrong(action: Action, best: str | None) -> bool:
    """Tell whether something is done, or closed, that a person would have left alone."""
    if best is None:
        return False
    return best != Action.NONE if action is Action.NONE else best in PASSIVE


def fitted(seen: Iterable[Sample]) -> Table:
    """Return how often each strength was right, monotone in the tier.

    One made-up verdict, half of it right, joins each: few rows give little certainty
    (Jeffreys' prior).
    """
    by_strength: dict[Strength, list[Sample]] = {}
    for sample in seen:
        by_strength.setdefault(sample.strength, []).append(sample)
    table: dict[Strength, Measured] = {}
    for acts in (False, True):
        ordered = [
            (strength, by_strength[strength])
            for strength in (Strength(tier, acts) for tier in Tier)
            if strength in by_strength
        ]
        shares = _monotone([(sum(each.right for each in of), len(of)) for _, of in ordered])
        for (strength, of), share in zip(ordered, shares, strict=True):
            claimed = sum(each.claimed for each in of) / len(of)
            unsafe = sum(each.unsafe for each in of)
            table[strength] = Measured(round(claimed, 3), round(share, 3), unsafe)
    return table


def _monotone(counts: Sequence[tuple[int, int]]) -> list[float]:
    """Pool neighbours until the shares do not fall (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []  # right, all, how many strengths
    for right, total in counts:
        pools.append((right + 0.5, total + 1, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last, before = pools.pop(), pools.pop()
            pools.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return [right / total for right, total, members in pools for _ in range(members)]


def tables(rows: Sequence[Row], catalogues: dict[str, Catalogue]) -> dict[str, Table]:
    """Return for each page the calibration that the other pages give."""
    all_samples = list(samples(rows, catalogues))
    return {
        page: fitted(sample for sample in all_samples if sample.page != page) for page in catalogues
    }
