"""Optional labels, tags, words for severity and condition."""

from typing import Any

import pytest
from hypothesis import given

from shared.domain.alert import Condition, Severity
from shared.intake.condition import read_condition
from shared.intake.fields import Found, JsonObject
from shared.intake.labels import Labels, optional_child, read_tags
from shared.intake.severity import read_severity
from tests.unit.intake.bodies import QUICK, RECEIVED, values


def _labels(*holders: dict[str, Any]) -> Labels:
    return Labels(*(JsonObject(holder) for holder in holders))


def test_the_first_place_wins() -> None:
    """Then the first name."""
    labels = _labels({"app": "a"}, {"service": "b", "app": "c"})

    assert labels.label("service", "app") == "a"
    assert labels.items("service", "app") == ("a", "b", "c")


def test_what_is_bad_is_passed_over_and_noted_once() -> None:
    """The next one is as good."""
    labels = _labels({"env": ["x"], "Service": "a", "service": "b"}, {"env": "prod"})

    assert [labels.label("env"), labels.label("env"), labels.label("service")] == [
        "prod",
        "prod",
        None,
    ]
    assert len(labels.notes) == 2


def test_numbers_are_their_digits() -> None:
    """Senders differ about what is a text."""
    labels = _labels({"a": 17, "b": 17.0, "c": 1.5, "d": True})

    assert [labels.label(name) for name in "abcd"] == ["17", "17", "1.5", None]


def test_lines_and_texts_are_cut() -> None:
    """Before they are cleaned, so that a long one costs nothing."""
    labels = _labels({"t": "a\n\u202eb " + "x" * 100_000})

    assert labels.line("t", limit=10) == "a b xxxxx…"
    assert len(labels.text("t")) == 8_000
    assert labels.line("none") == labels.text("none") == ""


def test_optional_child() -> None:
    """Something else than an object is nothing."""
    body = JsonObject({"a": {"b": 1}, "c": [1]})

    assert optional_child(body, "a").find("b") == Found(1, "a.b")
    assert optional_child(body, "c").find("b") is None
    assert optional_child(body, "x").path_of("b") == "x.b"


@given(values)
@QUICK
def test_any_label(value: object) -> None:
    """None of them is ever an error."""
    labels = _labels({"x": value}, {"x": "y"})

    assert labels.label("x") is not None
    assert labels.line("x")
    assert labels.text("x")
    assert labels.severity("x")
    assert labels.moment("x", received_at=RECEIVED)
    assert read_tags(Found(value, "tags")).find_all("env") is not None


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("PAGE", Severity.CRITICAL),
        ("disaster", Severity.CRITICAL),
        ("emergency", Severity.CRITICAL),
        ("p1", Severity.CRITICAL),
        ("P2", Severity.HIGH),
        ("average", Severity.MEDIUM),
        ("p3", Severity.MEDIUM),
        ("P4", Severity.LOW),
        ("p5", Severity.INFO),
        ("Not classified", Severity.INFO),
        ("notice", Severity.INFO),
        ("ok", Severity.INFO),
        (None, Severity.HIGH),
    ],
)
def test_words_for_severity(word: str | None, severity: Severity) -> None:
    """Those of all senders."""
    assert read_severity(word) == (severity, [])


@pytest.mark.parametrize(
    ("word", "condition"),
    [
        ("Firing", Condition.FIRING),
        ("Re-Triggered", Condition.FIRING),
        ("No Data", Condition.FIRING),
        ("in_progress", Condition.FIRING),
        ("OK", Condition.RESOLVED),
        ("Recovered", Condition.RESOLVED),
        ("Cancelled", Condition.RESOLVED),
        ("ack", Condition.NOTICE),
        ("Test", Condition.TEST),
        ("", None),
        ("17", None),
        ("whatever", None),
    ],
)
def test_words_for_a_condition(word: str, condition: Condition | None) -> None:
    """Those of all senders."""
    assert read_condition(word) is condition
