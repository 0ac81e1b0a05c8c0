"""Timer triggers on a clock that the test moves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

import azure.functions as func
import pytest

from localhost.clock import ManualClock, to_us
from localhost.functions import Function, TimerFunction
from localhost.invoke import Invoker
from localhost.ncrontab import BadSchedule
from localhost.settings import BadSettings
from localhost.timers import Timers, next_run, time_zone

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class MemoryStore:
    """A timer store that keeps rows in a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, int | None, int]] = {}

    def timer(self, name: str) -> tuple[str, int | None, int] | None:
        """See the protocol."""
        return self.rows.get(name)

    async def save_timer(self, name: str, schedule: str, last: int | None, due: int) -> None:
        """See the protocol."""
        self.rows[name] = (schedule, last, due)


class Bench:
    """One timer function and what it was called with."""

    def __init__(
        self,
        schedule: str,
        *,
        run_on_startup: bool = False,
        use_monitor: bool = True,
        store: MemoryStore | None = None,
        start: datetime = NOON,
    ) -> None:
        self.clock = ManualClock(start)
        self.store = store or MemoryStore()
        self.runs: list[tuple[datetime, bool]] = []
        self.requests: list[Any] = []
        self.during: Callable[[], object] = lambda: None
        self.go_on = asyncio.Event()
        self.go_on.set()

        async def tick(timer: func.TimerRequest) -> None:
            self.runs.append((self.clock.now(), timer.past_due))
            self.requests.append(timer)
            await self.go_on.wait()
            self.during()

        function = TimerFunction(
            Function("tick", tick, "timer"), schedule, run_on_startup, use_monitor
        )
        self.invoker = Invoker(None, "")
        self.timers = Timers([function], self.invoker, self.store, self.clock)

    async def __aenter__(self) -> Self:
        """Start the timer."""
        self.timers.start()
        await self.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        self.go_on.set()
        await self.timers.stop(1)
        self.invoker.close()

    async def settle(self) -> None:
        """Let everything run that can run."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def pass_by(self, minutes: float) -> None:
        """Let time pass, second by second where somebody sleeps."""
        end = self.clock.now() + timedelta(minutes=minutes)
        while (wake := self.clock.next_wake()) is not None and wake <= end:
            self.clock.advance(wake - self.clock.now())
            await self.settle()
        self.clock.advance(end - self.clock.now())
        await self.settle()

    def minutes(self) -> list[float]:
        """Return when it ran, in minutes after noon."""
        return [(when - NOON) / timedelta(minutes=1) for when, _ in self.runs]


async def test_it_runs_when_the_schedule_says() -> None:
    """Not at once, then every five minutes."""
    async with Bench("0 */5 * * * *") as bench:
        await bench.pass_by(16)

        assert bench.minutes() == [5, 10, 15]
        assert [late for _, late in bench.runs] == [False] * 3
        assert bench.requests[0].schedule_status["Next"].startswith("2026-01-01T12:05:00")


async def test_a_time_span_is_a_schedule_too() -> None:
    """Every ninety seconds."""
    async with Bench("00:01:30") as bench:
        await bench.pass_by(5)

        assert bench.minutes() == [1.5, 3, 4.5]


async def test_run_on_startup_runs_at_once() -> None:
    """And then as usual."""
    async with Bench("0 */5 * * * *", run_on_startup=True) as bench:
        await bench.pass_by(5)

        assert bench.minutes() == [0, 5]


async def test_a_run_that_takes_long_is_not_overlapped() -> None:
    """Times that pass meanwhile are skipped."""
    async with Bench("0 */5 * * * *") as bench:
        bench.go_on.clear()
        await bench.pass_by(17)
        assert bench.minutes() == [5]

        bench.go_on.set()
        await bench.settle()
        await bench.pass_by(5)

        assert bench.minutes() == [5, 20]


async def test_a_missed_run_is_made_up_for_once() -> None:
    """The host was down over several times: one run, past due."""
    store = MemoryStore()
    async with Bench("0 */5 * * * *", store=store) as bench:
        await bench.pass_by(6)
    start = NOON + timedelta(minutes=33)
    async with Bench("0 */5 * * * *", store=store, start=start) as bench:
        await bench.pass_by(3)

        assert bench.runs == [(start, True), (NOON + timedelta(minutes=35), False)]
        last = bench.requests[0].schedule_status["Last"]
        assert last.startswith("2026-01-01T12:05:00")


async def test_nothing_was_missed_when_the_schedule_changed() -> None:
    """A new schedule begins anew."""
    store = MemoryStore()
    store.rows["tick"] = ("0 0 * * * *", None, to_us(NOON - timedelta(hours=1)))
    async with Bench("0 */5 * * * *", store=store) as bench:
        assert bench.runs == []


@pytest.mark.parametrize(
    ("schedule", "monitor"), [("*/10 * * * * *", True), ("0 * * * * *", False)]
)
async def test_unmonitored_timers_remember_nothing(schedule: str, monitor: bool) -> None:
    """Below a minute, or when use_monitor is off."""
    async with Bench(schedule, use_monitor=monitor) as bench:
        await bench.pass_by(2)

        assert bench.runs != []
        assert bench.store.rows == {}


async def test_a_failing_timer_runs_again_next_time() -> None:
    """An exception is logged, no more."""

    def fail() -> None:
        raise ValueError("no")

    async with Bench("0 */5 * * * *") as bench:
        bench.during = fail
        await bench.pass_by(11)

        assert bench.minutes() == [5, 10]


async def test_a_run_cut_short_is_past_due_next_time() -> None:
    """The moment is stored after the run, not before."""
    store = MemoryStore()
    async with Bench("0 */5 * * * *", store=store) as bench:
        bench.go_on.clear()
        await bench.pass_by(5)
        interrupted = dict(store.rows)
    later = MemoryStore()
    later.rows = interrupted
    start = NOON + timedelta(minutes=6)
    async with Bench("0 */5 * * * *", store=later, start=start) as bench:
        assert bench.runs == [(start, True)]


async def test_stopping_waits_for_a_run() -> None:
    """A run under way ends; no other begins."""
    bench = Bench("0 */5 * * * *")
    async with bench:
        bench.go_on.clear()
        await bench.pass_by(5)
        stopping = asyncio.create_task(bench.timers.stop(10))
        await bench.settle()
        assert not stopping.done()
        bench.go_on.set()
        await stopping

    assert bench.minutes() == [5]
    assert bench.store.rows["tick"][1] == to_us(NOON + timedelta(minutes=5))


async def test_running_now_waits_for_the_run_before() -> None:
    """The admin API does not overlap either."""
    async with Bench("0 */5 * * * *") as bench:
        bench.go_on.clear()
        await bench.pass_by(5)
        now = asyncio.create_task(bench.timers.trigger("tick"))
        await bench.settle()
        assert len(bench.runs) == 1
        bench.go_on.set()
        await now

        assert len(bench.runs) == 2


def test_bad_schedules_are_refused_at_the_start() -> None:
    """With the function's name."""
    with pytest.raises(BadSchedule, match="timer 'tick'"):
        Bench("every now and then")
    with pytest.raises(BadSchedule, match="cannot be zero"):
        Bench("00:00:00")


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param("2026-01-01T12:00:00", "2026-01-02T01:30:00", id="winter"),
        pytest.param("2026-07-01T12:00:00", "2026-07-02T00:30:00", id="summer"),
        pytest.param("2026-03-28T12:00:00", "2026-03-29T01:30:00", id="the hour that is skipped"),
        pytest.param("2026-10-24T12:00:00", "2026-10-25T00:30:00", id="the hour that comes twice"),
        pytest.param("2026-10-25T00:30:00", "2026-10-26T01:30:00", id="and it runs once"),
    ],
)
def test_a_time_zone_is_heeded(after: str, expected: str) -> None:
    """02:30 in Berlin, given and expected in UTC."""
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    found = next_run("0 30 2 * * *", BERLIN)(moment)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_time_zone_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBSITE_TIME_ZONE, an IANA name; UTC without it."""
    monkeypatch.delenv("WEBSITE_TIME_ZONE", raising=False)
    assert time_zone() is None
    monkeypatch.setenv("WEBSITE_TIME_ZONE", "Europe/Berlin")
    assert time_zone() == BERLIN
    monkeypatch.setenv("WEBSITE_TIME_ZONE", "Middle/Earth")
    with pytest.raises(BadSettings, match="Middle/Earth"):
        time_zone()
