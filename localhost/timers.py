"""Timer triggers: run a function when its schedule says so, never twice at once.

As on the real host: schedules of a minute or more are remembered, and one that was
missed while the host was down runs once at the start, with ``past_due``. The moment is
stored after the run, so a run that a crash cut short happens again. Times are UTC, or
of ``WEBSITE_TIME_ZONE`` (an IANA name).
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from azure.functions.meta import Datum
from azure.functions.timer import TimerRequestConverter

from localhost.clock import Clock, from_us, iso, to_us
from localhost.functions import TimerFunction
from localhost.invoke import Invoker
from localhost.ncrontab import BadSchedule, Schedule
from localhost.settings import BadSettings, parse_time_span

log = logging.getLogger(__name__)

_TIME_ZONE = "WEBSITE_TIME_ZONE"
_MONITORED_FROM = timedelta(minutes=1)


class TimerStore(Protocol):
    """Where timers remember their last and next run. Implemented by the hub."""

    def timer(self, name: str) -> tuple[str, int | None, int] | None:
        """Return ``(schedule, last_us, next_us)`` or None."""
        ...

    async def save_timer(self, name: str, schedule: str, last: int | None, due: int) -> None:
        """Store them."""
        ...


def next_run(schedule: str, zone: ZoneInfo | None = None) -> Callable[[datetime], datetime]:
    """Return a function from a moment to the next run after it (aware, UTC).

    Raises:
        BadSchedule: ``schedule`` is neither NCRONTAB nor a time span.
    """
    span = parse_time_span(schedule)
    if span is not None:
        if not span:
            raise BadSchedule(f"{schedule!r}: the time between two runs cannot be zero")
        return lambda moment: moment + span
    parsed = Schedule(schedule)
    if zone is None:
        return parsed.after

    def after(moment: datetime) -> datetime:
        # Local wall time may not exist or exist twice: skip what does not move forward.
        local = moment.astimezone(zone).replace(tzinfo=None)
        while True:
            local = parsed.after(local)
            found = local.replace(tzinfo=zone).astimezone(UTC)
            if found > moment:
                return found

    return after


def time_zone() -> ZoneInfo | None:
    """Return the zone of ``WEBSITE_TIME_ZONE``, or None for UTC.

    Raises:
        BadSettings: there is no such zone.
    """
    name = os.environ.get(_TIME_ZONE, "")
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadSettings(f"{_TIME_ZONE}={name!r} is no IANA time zone") from error


class Timers:
    """Runs the timer functions of an app until stopped.

    Raises:
        BadSchedule: a schedule cannot be parsed.
    """

    def __init__(
        self, functions: list[TimerFunction], invoker: Invoker, store: TimerStore, clock: Clock
    ) -> None:
        zone = time_zone()
        self._timers = [_Timer(one, invoker, store, clock, zone) for one in functions]
        self._jobs: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to run them."""
        self._jobs = [asyncio.create_task(timer.run()) for timer in self._timers]

    async def trigger(self, name: str) -> None:
        """Run the timer function ``name`` now, after a run that is under way."""
        for timer in self._timers:
            if timer.name == name:
                await timer.fire(past_due=False)

    async def stop(self, timeout_seconds: float) -> None:
        """Start no more runs; wait for those under way, then leave them."""
        busy = [timer.idle() for timer in self._timers]
        for job, timer in zip(self._jobs, self._timers, strict=False):
            if not timer.busy:
                job.cancel()
        waiting = [asyncio.ensure_future(one) for one in busy]
        if waiting:
            await asyncio.wait(waiting, timeout=timeout_seconds)
        for task in (*waiting, *self._jobs):
            task.cancel()


class _Timer:
    def __init__(
        self,
        function: TimerFunction,
        invoker: Invoker,
        store: TimerStore,
        clock: Clock,
        zone: ZoneInfo | None,
    ) -> None:
        self._function = function
        self._invoker = invoker
        self._store = store
        self._clock = clock
        self.name = function.function.name
        try:
            self._next = next_run(function.schedule, zone)
            first = self._next(clock.now())
        except BadSchedule as error:
            raise BadSchedule(f"timer {self.name!r}: {error}") from error
        long_enough = self._next(first) - first >= _MONITORED_FROM
        self._monitored = function.use_monitor and long_enough
        self._lock = asyncio.Lock()
        self._last_us: int | None = None
        self._due = first

    @property
    def busy(self) -> bool:
        return self._lock.locked()

    async def idle(self) -> None:
        async with self._lock:
            return

    async def run(self) -> None:
        if await self._recover():
            await self.fire(past_due=True)
        elif self._function.run_on_startup:
            await self.fire(past_due=False)
        while True:
            self._due = self._next(self._clock.now())
            await self._clock.sleep_until(self._due)
            await self.fire(past_due=False)

    async def _recover(self) -> bool:
        """Return whether a run was missed while no host ran."""
        if not self._monitored:
            return False
        saved = self._store.timer(self.name)
        if saved is None or saved[0] != self._function.schedule:
            await self._save()
            return False
        self._last_us = saved[1]
        missed = from_us(saved[2]) <= self._clock.now()
        if missed:
            self._due = from_us(saved[2])
        return missed

    async def fire(self, *, past_due: bool) -> None:
        async with self._lock:
            begun = self._clock.now()
            try:
                await self._invoker.call(self._function.function, self._request(past_due))
            except Exception:
                log.exception("timer function %r failed", self.name)
            self._last_us = to_us(begun)
            await self._save()

    async def _save(self) -> None:
        if not self._monitored:
            return
        due = to_us(self._next(self._clock.now()))
        try:
            await self._store.save_timer(self.name, self._function.schedule, self._last_us, due)
        except Exception:
            log.exception("the schedule of %r could not be stored", self.name)

    def _request(self, past_due: bool) -> object:
        last = None if self._last_us is None else iso(from_us(self._last_us))
        payload = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {"Last": last, "LastUpdated": last, "Next": iso(self._due)},
            "IsPastDue": past_due,
        }
        datum = Datum(type="json", value=json.dumps(payload))
        return TimerRequestConverter.decode(datum, trigger_metadata={})
