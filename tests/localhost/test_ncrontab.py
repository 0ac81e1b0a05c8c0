"""NCRONTAB against known answers, and against croniter where both speak the same language."""

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from localhost.ncrontab import BadSchedule, Schedule

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)  # a Thursday


def moment(text: str) -> datetime:
    """Return an aware time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        pytest.param("0 */5 * * * *", "2026-01-01 12:05:00", id="every five minutes"),
        pytest.param("*/5 * * * *", "2026-01-01 12:05:00", id="five fields"),
        pytest.param("0 0 * * * *", "2026-01-01 13:00:00", id="not now: next hour"),
        pytest.param("30 0 12 * * *", "2026-01-01 12:00:30", id="seconds"),
        pytest.param("0 30 9 * * 1-5", "2026-01-02 09:30:00", id="weekdays"),
        pytest.param("0 30 9 * * Mon-Fri", "2026-01-02 09:30:00", id="names"),
        pytest.param("0 30 9 * * friday,mo", "2026-01-02 09:30:00", id="full and short names"),
        pytest.param("0 0 0 1 Feb *", "2026-02-01 00:00:00", id="month name"),
        pytest.param("0 0 0 29 2 *", "2028-02-29 00:00:00", id="leap day"),
        pytest.param("0 0 0 13 * 5", "2026-02-13 00:00:00", id="both day fields must match"),
        pytest.param("0 0 0 31 * *", "2026-01-31 00:00:00", id="last day"),
        pytest.param("0 5/20 * * * *", "2026-01-01 12:05:00", id="a/b begins at a"),
        pytest.param("0 50/20 * * * *", "2026-01-01 12:50:00", id="a/b stops at the end"),
        pytest.param("0 10-30/10 * * * *", "2026-01-01 12:10:00", id="range with step"),
        pytest.param("0 0 17-9 * * *", "2026-01-01 13:00:00", id="a range backwards is swapped"),
        pytest.param("0,30 59 23 31 12 *", "2026-12-31 23:59:00", id="list"),
        pytest.param("* * * * * *", "2026-01-01 12:00:01", id="every second"),
    ],
)
def test_next_occurrence(schedule: str, expected: str) -> None:
    """The first time later than the start."""
    assert Schedule(schedule).after(START) == moment(expected)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "@daily",
        "0 0 0 L * *",
        "0 */x * * * *",
        "0 1- * * * *",
        "0 ,1 * * * *",
        "0 0 0 * Smarch *",
    ],
)
def test_what_ncrontab_does_not_know_is_refused(schedule: str) -> None:
    """Cron's macros, L and 7 for Sunday among them."""
    with pytest.raises(BadSchedule):
        Schedule(schedule)


def test_a_day_that_never_comes_is_refused() -> None:
    """Instead of searching for ever."""
    with pytest.raises(BadSchedule, match="never happens"):
        Schedule("0 0 0 31 2 *").after(START)


def test_occurrences_keep_the_time_zone_of_the_start() -> None:
    """Aware in, aware out."""
    assert Schedule("0 0 0 * * *").after(START).tzinfo is UTC


_field = {
    "second": st.integers(0, 59),
    "minute": st.integers(0, 59),
    "hour": st.integers(0, 23),
    "day": st.integers(1, 31),
    "month": st.integers(1, 12),
    "weekday": st.integers(0, 6),
}


@st.composite
def fields(draw: st.DrawFn, name: str) -> str:
    """Return one field that NCRONTAB and cron read alike."""
    values = _field[name]
    kind = draw(st.sampled_from(["*", "*", "number", "range", "list", "step"]))
    if kind == "number":
        return str(draw(values))
    if kind == "range":
        low, high = sorted((draw(values), draw(values)))
        return f"{low}-{high}" if low < high else str(low)
    if kind == "list":
        return ",".join(str(one) for one in sorted(draw(st.sets(values, min_size=1, max_size=4))))
    if kind == "step":
        return f"*/{draw(st.integers(1, 9))}"
    return "*"


@settings(max_examples=300, deadline=None)
@given(
    parts=st.tuples(*(fields(name) for name in _field)),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
)
def test_croniter_agrees(parts: tuple[str, ...], start: datetime) -> None:
    """An independent implementation finds the same next times."""
    text = " ".join(parts)
    aware = start.replace(tzinfo=UTC, microsecond=0)
    try:
        ours = Schedule(text).after(aware)
    except BadSchedule:
        return  # days that come too rarely for croniter to look for
    oracle = croniter(
        text, aware, second_at_beginning=True, day_or=False, max_years_between_matches=50
    )

    assert ours == oracle.get_next(datetime)
    assert ours > aware
    assert Schedule(text).after(ours - timedelta(seconds=1)) == ours
