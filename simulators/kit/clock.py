"""What time it is for a simulated service."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; runs move through their states by it."""

    @property
    def mode(self) -> str:
        """``system`` or ``manual``."""
        ...

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    mode = "system"

    def now(self) -> datetime:
        """See the protocol."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is advanced.

    Args:
        present: Tells where it stands at first, and again after a restart.
    """

    mode = "manual"

    def __init__(self, present: Clock) -> None:
        self._present = present
        self._now = present.now()

    def now(self) -> datetime:
        """See the protocol."""
        return self._now

    def restart(self) -> None:
        """Stand at the present again."""
        self._now = self._present.now()

    def advance(self, seconds: float) -> datetime:
        """Move on by ``seconds`` (never back) and return the new time.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError("a clock is never turned back")
        self._now += timedelta(seconds=seconds)
        return self._now


def iso(moment: datetime) -> str:
    """Return ``moment`` as Azure writes it: UTC, microseconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
