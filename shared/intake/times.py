"""Times as senders write them, and the windows to look for a run in.

A time that cannot be true is never an error: the alert matters more than its clock. The
time of receipt stands in and a note says so.
"""

import re
from datetime import UTC, datetime, timedelta

from shared.domain.alert import TimeWindow
from shared.intake.text import one_line

# Data Factory writes seven decimals ("2026-11-20T02:07:11.4134567Z").
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,12}))?\s?(Z|z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_ISO_DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?", re.ASCII)
# Fourteen digits are enough for milliseconds until the year 5138.
_EPOCH = re.compile(r"\d{1,14}(?:\.\d{1,9})?", re.ASCII)
_FIRST_MILLISECONDS = 100_000_000_000  # as seconds this would be the year 5138
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_AROUND = timedelta(minutes=15)
_LONGEST_WINDOW = timedelta(days=2)  # the longest look-back of a log alert rule
_USUAL_WINDOW = timedelta(hours=1)


def read_time(value: object, received_at: datetime) -> tuple[datetime | None, str]:
    """Return ``value`` as an aware UTC time, or ``None`` and why it cannot be used."""
    found = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None, f"is not an ISO 8601 time ({_shown(value)})"
    day, clock, decimals, zone = found.groups()
    if zone is None:
        return None, f"names no time zone ({_shown(value)})"
    microseconds = (decimals or "0")[:6].ljust(6, "0")
    seconds = clock if clock.count(":") == 2 else f"{clock}:00"
    try:
        moment = datetime.fromisoformat(f"{day}T{seconds}.{microseconds}{_offset(zone)}")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None, f"is not a possible time ({_shown(value)})"
    if not _EARLIEST <= moment <= received_at + _AHEAD:
        return None, f"is before 2000 or more than a day ahead ({_shown(value)})"
    return moment, ""


def read_occurred_at(name: str, value: object, received_at: datetime) -> tuple[datetime, list[str]]:
    """Return the time in ``value``, or the time of receipt and a note that says why."""
    if value is None:
        return received_at, [f"{name} is missing; the time of receipt is used"]
    moment, why = read_time(value, received_at)
    if moment is not None:
        return moment, []
    return received_at, [f"{name} {why}; the time of receipt is used"]


def read_epoch(value: object, received_at: datetime) -> tuple[datetime | None, str]:
    """Return seconds or milliseconds since 1970, as a number or its digits, as aware UTC.

    Returns:
        The time and an empty text, or ``None`` and why the value cannot be used.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None, "is not a time"
    digits = str(value).strip()
    if _EPOCH.fullmatch(digits) is None:
        return None, f"is not a number of seconds since 1970 ({one_line(digits, 40)!r})"
    number = float(digits)
    seconds = number / 1_000 if number >= _FIRST_MILLISECONDS else number
    moment = _1970 + timedelta(seconds=seconds)
    if not _EARLIEST <= moment <= received_at + _AHEAD:
        return None, f"is before 2000 or more than a day ahead ({one_line(digits, 40)!r})"
    return moment, ""


def read_moment(name: str, value: object, received_at: datetime) -> tuple[datetime, list[str]]:
    """Return :func:`read_occurred_at` of a value that may also be an epoch time."""
    moment, _ = read_epoch(value, received_at)
    return (moment, []) if moment else read_occurred_at(name, value, received_at)


def window_around(moment: datetime) -> TimeWindow:
    """Return where to look for a run of which only the time of its alert is known."""
    return TimeWindow(start=moment - _USUAL_WINDOW - _AROUND, end=moment + _AROUND)


def search_window(
    start: object, end: object, size: object, around: datetime
) -> tuple[TimeWindow, list[str]]:
    """Return where a run that raised an alert may be found.

    Args:
        start: ``windowStartTime`` of the alert rule's evaluation.
        end: ``windowEndTime`` of it.
        size: ``windowSize`` of the rule (``PT5M``), used when the times are missing.
        around: When the alert was raised.

    Returns:
        The evaluation's window, 15 minutes wider on both sides since a run's last update
        and the metric's time differ; and a note if the window had to be guessed.
    """
    first, _ = read_time(start, around + _LONGEST_WINDOW)
    last, _ = read_time(end, around + _LONGEST_WINDOW)
    if first and last and timedelta() <= last - first <= _LONGEST_WINDOW:
        return TimeWindow(start=first - _AROUND, end=last + _AROUND), []
    length = _read_duration(size)
    window = TimeWindow(start=around - length - _AROUND, end=around + _AROUND)
    return window, ["windowStartTime and windowEndTime give no window; the time of the alert does"]


def _read_duration(value: object) -> timedelta:
    found = _ISO_DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return _USUAL_WINDOW
    days, hours, minutes = (int(part or 0) for part in found.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes)
    return min(length, _LONGEST_WINDOW) or _USUAL_WINDOW


def _offset(zone: str) -> str:
    if zone in "Zz":
        return "+00:00"
    return zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"


def _shown(value: object) -> str:
    return repr(one_line(value, 40)) if isinstance(value, str) else "not text"
