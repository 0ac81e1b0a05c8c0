"""What a confidence says, and that it never frees an action."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.folds import Sample, fitted
from shared.diagnosis.calibration import (
    ALONE,
    MOST_FOR_WORDS,
    TABLE,
    Measured,
    Strength,
    calibrated,
)
from shared.diagnosis.signature import Tier

CLEAN = Strength(Tier.INNER, acts=True)
PASSIVE = Strength(Tier.TEXT, acts=False)

shares = st.floats(0, 1)
strengths = st.sampled_from([Strength(tier, acts) for tier in Tier for acts in (False, True)])


@given(shares, shares, strengths)
def test_is_monotone_and_a_fraction(one: float, other: float, strength: Strength) -> None:
    """Who claimed more never gets less."""
    low, high = sorted((one, other))

    first, second = calibrated(low, strength), calibrated(high, strength)

    assert 0 <= first <= second + 1e-9 <= 1 + 1e-9


@given(st.floats(0, ALONE, exclude_max=True), strengths)
def test_never_lifts_an_action_over_the_threshold(claimed: float, strength: Strength) -> None:
    """What needed a person before it was calibrated needs one after."""
    if strength.acts:
        assert calibrated(claimed, strength) <= claimed


@given(shares)
def test_is_never_raised_where_an_action_was_wrong(claimed: float) -> None:
    """One wrong action that nobody looked at is enough."""
    table = {CLEAN: Measured(0.9, 0.99, unsafe=1)}

    assert calibrated(claimed, CLEAN, table) <= claimed


@given(shares)
def test_ordinary_words_are_never_sure(claimed: float) -> None:
    """However often they were right."""
    table = {Strength(Tier.FAINT, acts=False): Measured(0.5, 1.0)}

    assert calibrated(claimed, Strength(Tier.FAINT, acts=False), table) <= MOST_FOR_WORDS


def test_meets_what_was_measured() -> None:
    """The average claim becomes the share that was right."""
    table = {PASSIVE: Measured(0.8, 0.6), CLEAN: Measured(0.9, 0.95)}

    assert calibrated(0.8, PASSIVE, table) == pytest.approx(0.6)
    assert calibrated(0.4, PASSIVE, table) == pytest.approx(0.3)
    assert calibrated(0.9, PASSIVE, table) == pytest.approx(0.8)
    assert calibrated(0.9, CLEAN, table) == pytest.approx(0.95)
    assert calibrated(0.7, PASSIVE, {}) == 0.7


def test_the_committed_table_fits_the_rules() -> None:
    """More telling is never less sure; hints stay below what acts alone."""
    for acts in (False, True):
        right = [
            TABLE[strength].right
            for strength in (Strength(tier, acts) for tier in Tier)
            if strength in TABLE
        ]
        assert right == sorted(right)
    for strength, measured in TABLE.items():
        assert 0 < measured.claimed < 1
        assert 0 < measured.right < 1
        if strength.tier <= Tier.HINT:
            assert calibrated(0.7, strength) < ALONE


def sample(tier: Tier, *, right: bool, unsafe: bool = False) -> Sample:
    """Return one verdict that claimed 0.8 and acts alone."""
    return Sample("page", Strength(tier, acts=True), 0.8, right, unsafe)


def test_what_is_measured_is_made_monotone() -> None:
    """A vaguer strength that happened to be right more often is pooled with the next."""
    seen = [sample(Tier.OUTER, right=True) for _ in range(3)]
    seen += [sample(Tier.TEXT, right=each) for each in (True, False, False)]
    seen += [sample(Tier.INNER, right=True, unsafe=True)]

    table = fitted(seen)

    outer, text, inner = (table[Strength(tier, acts=True)] for tier in list(Tier)[2:])
    assert outer == text
    assert outer.right == pytest.approx((3 + 0.5 + 1 + 0.5) / 8)
    assert inner == Measured(0.8, 0.75, 1)
