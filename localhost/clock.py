"""Time, as something that is handed in.

The hub stores moments as whole microseconds since 1970 (``_us``): they sort in
SQL, and a timer that is due at T is never delivered at T minus a rounding error.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# A laptop that slept, or a corrected clock, is noticed within this time.
_LONGEST_NAP_SECONDS = 5.0


class Clock(Protocol):
    """What time it is, and waiting for a later time."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC. Callable from any thread."""
        ...

    async def sleep_until(self, when: datetime) -> None:
        """Return once :meth:`now` has reached ``when``; at once if it has already."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """See the protocol."""
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime) -> None:
        """See the protocol. Naps are short because the wall clock may be set meanwhile."""
        while (left := (when - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LONGEST_NAP_SECONDS))


class ManualClock:
    """A clock that stands still until :meth:`advance` is called (for tests).

    Args:
        start: First value of :meth:`now`; must be aware.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """See the protocol."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move time forward and wake everyone whose time has come. Call it on the loop."""
        self._now += by
        waiting = []
        for when, sleeper in self._sleepers:
            if sleeper.done():
                continue
            if when <= self._now:
                sleeper.set_result(None)
            else:
                waiting.append((when, sleeper))
        self._sleepers = waiting

    def next_wake(self) -> datetime | None:
        """Return the earliest moment somebody sleeps for, or None."""
        return min((when for when, sleeper in self._sleepers if not sleeper.done()), default=None)

    async def sleep_until(self, when: datetime) -> None:
        """See the protocol."""
        if when <= self._now:
            return
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append((when, sleeper))
        await sleeper


def to_us(when: datetime) -> int:
    """Return whole microseconds since 1970 for an aware ``when``."""
    return (when - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Return the aware UTC time of ``us`` microseconds since 1970."""
    return EPOCH + timedelta(microseconds=us)


def iso(when: datetime) -> str:
    """Return ``when`` as the extension writes it: UTC, microseconds, ``Z``."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_iso(text: str) -> datetime:
    """Return the aware time of an ISO 8601 ``text``; one without an offset is UTC.

    Raises:
        ValueError: ``text`` is not a time.
    """
    when = datetime.fromisoformat(text)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
