"""A clock that runs in real time, but not at the real time."""

import asyncio
from datetime import UTC, datetime, timedelta

_LONGEST_NAP_SECONDS = 5.0


class ShiftedClock:
    """Real time plus a shift that can be enlarged: timers of hours pass at once.

    Implements :class:`localhost.clock.Clock`.

    Args:
        shift: At the start; may be negative.
    """

    def __init__(self, shift: timedelta = timedelta(0)) -> None:
        self._shift = shift
        self._shifted = asyncio.Event()

    def now(self) -> datetime:
        """See the protocol."""
        return datetime.now(UTC) + self._shift

    def jump(self, by: timedelta) -> None:
        """Move forward. Call it on the event loop."""
        self._shift += by
        self._shifted.set()
        self._shifted = asyncio.Event()

    async def sleep_until(self, when: datetime) -> None:
        """See the protocol."""
        while (left := (when - self.now()).total_seconds()) > 0:
            nap = min(left, _LONGEST_NAP_SECONDS)
            await asyncio.wait([asyncio.ensure_future(self._shifted.wait())], timeout=nap)
