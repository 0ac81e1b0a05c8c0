"""Who has to be woken when: one heap in memory over the due times in the hub."""

import asyncio
import heapq
from collections.abc import Callable, Iterable
from typing import Any

from localhost.clock import Clock, from_us, to_us


class Alarms:
    """Calls ``ring`` with an id once its time has come. Losing it all is harmless.

    The heap is rebuilt from the hub at every start; an alarm for something that no
    longer exists wakes nobody.
    """

    def __init__(self, clock: Clock, ring: Callable[[str], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._heap: list[tuple[int, str]] = []
        self._changed = asyncio.Event()

    def add(self, alarms: Iterable[tuple[int, str]]) -> None:
        """Ring for each ``(due_us, id)``; at once for times in the past."""
        for alarm in alarms:
            heapq.heappush(self._heap, alarm)
            if self._heap[0] is alarm:
                self._changed.set()

    async def run(self) -> None:
        """Ring until cancelled."""
        while True:
            self._ring_due()
            self._changed.clear()
            await self._wait()

    def _ring_due(self) -> None:
        now_us = to_us(self._clock.now())
        while self._heap and self._heap[0][0] <= now_us:
            self._ring(heapq.heappop(self._heap)[1])

    async def _wait(self) -> None:
        """Return at the earliest due time, or when an earlier one was added."""
        waiting: list[asyncio.Task[Any]] = [asyncio.create_task(self._changed.wait())]
        if self._heap:
            due = from_us(self._heap[0][0])
            waiting.append(asyncio.create_task(self._clock.sleep_until(due)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
