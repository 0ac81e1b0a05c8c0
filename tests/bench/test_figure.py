"""What is printed for a figure."""

import json

import pytest

from bench.figure import Figure, Goal, percentile, ratios
from bench.memory import slope


def test_a_figure_says_its_median_spread_and_whether_the_goal_is_met() -> None:
    """One slow repetition must not decide, but must be seen."""
    figure = Figure("a.b", "1/s", [10.0, 12.0, 4.0], "it", Goal(at_least=11), {"count": 3})

    line = json.loads(figure.to_json(others_percent=1.5))

    assert line["figure"] == "a.b"
    assert (line["value"], line["low"], line["high"]) == (10, 4, 12)
    assert line["runs"] == [10, 12, 4]
    assert line["plus_minus_percent"] == 40
    assert (line["goal"], line["met"]) == (">= 11", False)
    assert (line["count"], line["others_percent"]) == (3, 1.5)


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        pytest.param(Goal(at_least=3), 3.0, True, id="exactly the lower bound is enough"),
        pytest.param(Goal(at_least=3), 2.99, False, id="below it is not"),
        pytest.param(Goal(at_most=5), 5.0, True, id="exactly the upper bound is allowed"),
        pytest.param(Goal(at_most=5), 5.01, False, id="above it is not"),
    ],
)
def test_a_goal_includes_its_bound(goal: Goal, value: float, *, met: bool) -> None:
    """The bound itself is good enough."""
    assert goal.met(value) is met


def test_a_figure_without_a_goal_claims_nothing() -> None:
    """No goal, no verdict."""
    line = json.loads(Figure("a", "s", [0.0], "it").to_json())

    assert "met" not in line
    assert line["plus_minus_percent"] == 0


def test_ratios_pair_what_was_measured_side_by_side() -> None:
    """A bad moment of the machine hits both sides of one ratio, not the whole."""
    assert ratios([6.0, 2.0], [2.0, 1.0]) == [3.0, 2.0]


@pytest.mark.parametrize(
    ("percent", "expected"),
    [pytest.param(50, 50, id="median"), pytest.param(99, 99, id="p99"), pytest.param(0, 1, id="0")],
)
def test_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    """Nothing between two measurements is made up."""
    assert percentile([float(value) for value in range(100, 0, -1)], percent) == expected


def test_slope_finds_a_leak_below_noise() -> None:
    """Two megabytes per step show through one megabyte of noise."""
    resident = [50 + 2 * step + (-1) ** step for step in range(20)]

    assert slope(resident) == pytest.approx(2, abs=0.05)
