"""Waiting between attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.backoff import Backoff


@pytest.mark.parametrize(
    ("failures", "chance", "expected"),
    [
        pytest.param(0, 0.99, 0, id="nothing before the first attempt"),
        pytest.param(1, 0.5, 30, id="half of the base"),
        pytest.param(2, 0.5, 60, id="half of twice the base"),
        pytest.param(3, 0.0, 0, id="full jitter reaches down to zero"),
        pytest.param(9, 0.5, 450, id="capped at 900"),
        pytest.param(10_000, 0.5, 450, id="capped without overflowing"),
    ],
)
def test_wait(failures: int, chance: float, expected: float) -> None:
    """Exponential growth, full jitter, a ceiling."""
    backoff = Backoff(base_seconds=60, factor=2, max_seconds=900)

    assert backoff.wait_seconds(failures=failures, chance=chance) == pytest.approx(expected)


def test_a_base_of_zero_means_no_waiting() -> None:
    """Whatever the cause would like."""
    none = Backoff(base_seconds=0, factor=2, max_seconds=900)

    assert none.wait_seconds(failures=5, at_least=300, chance=0.9) == 0


def test_a_cause_that_needs_time_gets_it() -> None:
    """Throttling does not draw a wait of nothing."""
    backoff = Backoff(base_seconds=60, factor=2, max_seconds=900)

    assert backoff.wait_seconds(failures=1, at_least=300, chance=0) == 30


@given(
    base=st.floats(0, 1000),
    factor=st.floats(1, 10),
    ceiling=st.floats(0, 1000),
    failures=st.integers(0, 50),
    at_least=st.floats(0, 1e6),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_it_never_waits_longer_than_the_ceiling(  # noqa: D103 - the name says it
    base: float, factor: float, ceiling: float, failures: int, at_least: float, chance: float
) -> None:
    backoff = Backoff(base_seconds=base, factor=factor, max_seconds=ceiling)

    assert (
        0
        <= backoff.wait_seconds(failures=failures, at_least=at_least, chance=chance)
        <= max(0, ceiling)
    )
