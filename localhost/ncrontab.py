"""NCRONTAB, the schedules of timer triggers.

    {second} {minute} {hour} {day} {month} {day of week}     five fields: second is 0

``*``, numbers, ``a-b``, lists with commas, steps with ``/``, English names of months
and days. Unlike cron both day fields must match, 7 is not Sunday, there are no macros,
and ``5/15`` means 5, 20, 35, 50. Source: atifaziz/NCrontab, ``CrontabFieldImpl.cs``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

# February 29th on a given weekday comes back within 28 years, 40 across 1900 and 2100.
_LONGEST_SEARCH = timedelta(days=366 * 41)


class BadSchedule(Exception):
    """A schedule cannot be parsed or never happens; the message names the field."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


class Schedule:
    """A parsed schedule, without a time zone of its own.

    Raises:
        BadSchedule: the text is not NCRONTAB.
    """

    def __init__(self, text: str) -> None:
        parts = text.split()
        if len(parts) == 5:
            parts.insert(0, "0")
        if len(parts) != 6:
            raise BadSchedule(f"{text!r}: expected 6 fields (or 5), got {len(parts)}")
        self.text = text
        values = [_parse(field, part) for field, part in zip(_FIELDS, parts, strict=True)]
        self._seconds, self._minutes, self._hours = (sorted(one) for one in values[:3])
        self._days, self._months, self._weekdays = values[3:]

    def after(self, moment: datetime) -> datetime:
        """Return the first time later than ``moment``, with its time zone.

        Raises:
            BadSchedule: there is none (31 February).
        """
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        earliest = (start.hour, start.minute, start.second)
        day = start.replace(hour=0, minute=0, second=0)
        end = day + _LONGEST_SEARCH
        while day < end:
            if self._on(day):
                found = next(self._times(earliest), None)
                if found is not None:
                    return day.replace(hour=found[0], minute=found[1], second=found[2])
            day = self._next_day(day)
            earliest = (0, 0, 0)
        raise BadSchedule(f"{self.text!r} never happens")

    def _on(self, day: datetime) -> bool:
        return (
            day.month in self._months
            and day.day in self._days
            and day.isoweekday() % 7 in self._weekdays
        )

    def _next_day(self, day: datetime) -> datetime:
        if day.month in self._months:
            return day + timedelta(days=1)
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)

    def _times(self, earliest: tuple[int, int, int]) -> Iterator[tuple[int, int, int]]:
        for hour in self._hours:
            if hour < earliest[0]:
                continue
            for minute in self._minutes:
                if (hour, minute) < earliest[:2]:
                    continue
                for second in self._seconds:
                    if (hour, minute, second) >= earliest:
                        yield hour, minute, second


def _parse(field: _Field, text: str) -> set[int]:
    values: set[int] = set()
    for item in text.split(","):
        values.update(_parse_item(field, item))
    return values


def _parse_item(field: _Field, item: str) -> range:
    span, slash, step_text = item.partition("/")
    step = 1
    if slash:
        if not step_text.isdecimal():
            raise BadSchedule(f"{field.name}: {item!r} has no number after '/'")
        step = max(1, int(step_text))
    if span == "*":
        return range(field.low, field.high + 1, step)
    first, dash, last = span.partition("-")
    low = _value(field, first)
    if dash:
        high = _value(field, last)
        low, high = min(low, high), max(low, high)
    else:
        high = field.high if slash else low
    return range(low, high + 1, step)


def _value(field: _Field, text: str) -> int:
    if text.isdecimal():
        value = int(text)
        if not field.low <= value <= field.high:
            raise BadSchedule(f"{field.name}: {value} is not between {field.low} and {field.high}")
        return value
    if text:
        for index, name in enumerate(field.names):
            if name.lower().startswith(text.lower()):
                return field.low + index
    raise BadSchedule(f"{field.name}: {text!r} is neither a number nor a known name")
