"""Times as senders write them, and the windows made of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.intake.times import read_epoch, read_moment, read_occurred_at, read_time, search_window
from tests.unit.intake.bodies import QUICK, RECEIVED, values


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "2026-11-20T02:07:11.4134567Z",
            _utc(2026, 11, 20, 2, 7, 11, 413456),
            id="seven decimals, as Data Factory writes them",
        ),
        pytest.param("2026-11-20T02:07:11Z", _utc(2026, 11, 20, 2, 7, 11), id="no decimals"),
        pytest.param("2026-11-20T02:07:11.41z", _utc(2026, 11, 20, 2, 7, 11, 410000), id="two"),
        pytest.param("2026-11-20T04:07:11+02:00", _utc(2026, 11, 20, 2, 7, 11), id="an offset"),
        pytest.param("2026-11-19T18:07:11-0800", _utc(2026, 11, 20, 2, 7, 11), id="no colon"),
        pytest.param("2026-11-20 02:07Z", _utc(2026, 11, 20, 2, 7), id="a space, no seconds"),
        pytest.param(" 2026-11-21T08:30:00Z ", _utc(2026, 11, 21, 8, 30), id="a day ahead"),
    ],
)
def test_possible_times(text: str, expected: datetime) -> None:
    """Every usual form of ISO 8601 becomes aware UTC."""
    assert read_time(text, RECEIVED) == (expected, "")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param("2026-11-20T02:07:11", "no time zone", id="naive"),
        pytest.param("11/20/2026 02:07:11", "not an ISO 8601", id="another format"),
        pytest.param("yesterday", "'yesterday'", id="garbage"),
        pytest.param("", "not an ISO 8601", id="empty"),
        pytest.param(1_700_000_000, "not text", id="a number"),
        pytest.param(["2026-11-20T02:07:11Z"], "not text", id="a list"),
        pytest.param("0001-01-01T00:00:00Z", "before 2000", id="year 1"),
        pytest.param("0001-01-01T00:00:00+14:00", "not a possible", id="before year 1"),
        pytest.param("1999-12-31T23:59:59Z", "before 2000", id="before 2000"),
        pytest.param("9999-12-31T23:59:59-14:00", "not a possible", id="after year 9999"),
        pytest.param("2026-11-21T08:30:01Z", "more than a day ahead", id="over a day ahead"),
        pytest.param("2026-02-30T00:00:00Z", "not a possible", id="30 February"),
        pytest.param("2026-11-20T23:59:60Z", "not a possible", id="a leap second"),
        pytest.param("2026-11-20T02:07:11+99:00", "not a possible", id="an impossible offset"),
        pytest.param("٢٠٢٦-11-20T02:07:11Z", "not an ISO 8601", id="other digits"),
    ],
)
def test_impossible_times(value: object, why: str) -> None:
    """The time of receipt stands in, and the note says why."""
    moment, [note] = read_occurred_at("failedAt", value, RECEIVED)

    assert moment == RECEIVED
    assert note.startswith("failedAt ")
    assert why in note
    assert "time of receipt" in note


def test_a_missing_time_is_noted() -> None:
    """Nobody should take the time of receipt for what the sender said."""
    moment, [note] = read_occurred_at("failedAt", None, RECEIVED)

    assert (moment, note) == (RECEIVED, "failedAt is missing; the time of receipt is used")


@given(values | st.datetimes().map(datetime.isoformat) | st.from_regex(r"\d{4}-\d\d-\d\dT.{0,20}"))
@QUICK
def test_any_value_gives_an_aware_time(value: object) -> None:
    """A clock never costs an alert."""
    moment, _ = read_occurred_at("failedAt", value, RECEIVED)

    assert moment.utcoffset() == timedelta()
    assert moment <= RECEIVED + timedelta(days=1)


START, END = "2026-11-20T02:00:00Z", "2026-11-20T02:05:00Z"


def test_the_window_is_a_quarter_of_an_hour_wider() -> None:
    """The metric's time and the run's last update differ."""
    window, notes = search_window(START, END, "PT5M", RECEIVED)

    assert (window.start, window.end) == (_utc(2026, 11, 20, 1, 45), _utc(2026, 11, 20, 2, 20))
    assert notes == []


@pytest.mark.parametrize(
    ("start", "end", "size", "minutes_before"),
    [
        pytest.param(None, None, "PT10M", 25, id="no times: the rule's own window"),
        pytest.param(None, END, "P1D", 1_455, id="only one time"),
        pytest.param(None, None, "P9DT9H", 2_895, id="never over two days"),
        pytest.param(None, None, "fortnight", 75, id="no size either: an hour"),
        pytest.param(None, None, "PT0M", 75, id="an empty size"),
        pytest.param(None, None, 7, 75, id="a size of another type"),
        pytest.param(END, START, "PT5M", 20, id="end before start"),
        pytest.param("2020-01-01T00:00:00Z", END, "PT5M", 20, id="years"),
    ],
)
def test_a_window_is_guessed(start: object, end: object, size: object, minutes_before: int) -> None:
    """A useless window is replaced by one that ends with the alert, and noted."""
    window, notes = search_window(start, end, size, RECEIVED)

    assert RECEIVED - window.start == timedelta(minutes=minutes_before)
    assert window.end - RECEIVED == timedelta(minutes=15)
    assert len(notes) == 1


@given(values, values, values)
@QUICK
def test_any_window_has_a_length(start: object, end: object, size: object) -> None:
    """It can always be searched: start before end, at most two and a half days."""
    window, _ = search_window(start, end, size, RECEIVED)

    assert timedelta() < window.end - window.start <= timedelta(days=2, minutes=30)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1795140431, _utc(2026, 11, 20, 2, 7, 11)),
        ("1795140431", _utc(2026, 11, 20, 2, 7, 11)),
        (1795140431000, _utc(2026, 11, 20, 2, 7, 11)),
        (" 1795140431500 ", _utc(2026, 11, 20, 2, 7, 11, 500000)),
        (1795140431.5, _utc(2026, 11, 20, 2, 7, 11, 500000)),
    ],
)
def test_epoch_times(value: object, expected: datetime) -> None:
    """Seconds or milliseconds, as number or text."""
    assert read_epoch(value, RECEIVED) == (expected, "")
    assert read_moment("date", value, RECEIVED) == (expected, [])


@pytest.mark.parametrize(
    "value", [None, True, "", "x", "-1", 0, 17, 10**14, 1e300, float("nan"), "1e9", [1], "١٢٣"]
)
def test_what_is_no_epoch_time(value: object) -> None:
    """The time of receipt stands in."""
    moment, why = read_epoch(value, RECEIVED)

    assert moment is None
    assert why
    assert read_moment("date", value, RECEIVED)[0] == RECEIVED


def test_a_moment_may_be_iso() -> None:
    """Both forms are read."""
    assert read_moment("date", START, RECEIVED) == (_utc(2026, 11, 20, 2), [])


@given(values)
@QUICK
def test_any_moment(value: object) -> None:
    """A clock never costs an alert."""
    assert read_moment("date", value, RECEIVED)[0].utcoffset() == timedelta()
