"""Failed runs that nobody reported become tickets, once; known ones do not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest

from shared.domain.alert import Resource, TimeWindow
from shared.domain.errors import Transient
from shared.domain.run import RunPhase, RunSnapshot
from shared.stores.memory import MemoryStore
from shared.usecases.accept_alert import accept_alert
from shared.usecases.pull_failures import pull_failures
from tests.support.builders import NOW, SCOPE, StoppedClock, a_resource, a_run, an_alert


class Feed:
    """A factory in which runs have failed."""

    scope = SCOPE

    def __init__(self) -> None:
        self.runs: list[RunSnapshot] = []
        self.windows: list[TimeWindow] = []
        self.problem: Exception | None = None

    def resource(self, run: RunSnapshot) -> Resource:
        """See the protocol."""
        return a_resource(run.name, run.run_id)

    async def failed_runs(self, window: TimeWindow) -> tuple[RunSnapshot, ...]:
        """See the protocol."""
        self.windows.append(window)
        if self.problem:
            raise self.problem
        return tuple(
            run for run in self.runs if run.ended_at and window.start <= run.ended_at < window.end
        )

    def fails(self, run_id: str, at: datetime, *, parent: str | None = None) -> None:
        """Let a run fail."""
        run = a_run(run_id, RunPhase.FAILED, parent_run_id=parent)
        self.runs.append(run.model_copy(update={"ended_at": at, "name": f"p-{run_id}"}))


@pytest.fixture
def clock() -> StoppedClock:
    """Return the time."""
    return StoppedClock()


@pytest.fixture
def ids() -> Iterator[int]:
    """Return numbers for new tickets."""
    return iter(count(1))


@pytest.fixture
def feed() -> Feed:
    """Return a factory in which nothing has failed yet."""
    return Feed()


@pytest.fixture
def store() -> MemoryStore:
    """Return an empty store."""
    return MemoryStore()


async def pull(
    feed: Feed, store: MemoryStore, clock: StoppedClock, ids: Iterator[int]
) -> list[str]:
    """Pull once."""
    return await pull_failures(
        feed, store, clock, new_ticket_id=lambda _: f"TIK-20261120-{next(ids):06d}", sla_minutes=60
    )


async def test_what_nobody_reported_becomes_a_ticket_once(
    feed: Feed, store: MemoryStore, clock: StoppedClock, ids: Iterator[int]
) -> None:
    """However often it is looked for."""
    feed.fails("r1", NOW - timedelta(minutes=4))

    first = await pull(feed, store, clock, ids)
    clock.advance(minutes=5)
    second = await pull(feed, store, clock, ids)

    assert (len(first), second) == (1, [])
    ticket = await store.get(first[0])
    assert (ticket.resource.run_id, ticket.duplicate_count) == ("r1", 0)
    assert "nobody reported it" in ticket.notes[0]


async def test_the_webhook_goes_first(
    feed: Feed, store: MemoryStore, clock: StoppedClock, ids: Iterator[int]
) -> None:
    """A run that failed just now is left to it; one that it reported is known."""
    feed.fails("r1", NOW - timedelta(minutes=2))

    assert await pull(feed, store, clock, ids) == []
    await accept_alert(
        an_alert("p-r1", "r1"), store, clock, new_ticket_id=lambda _: "TIK-1", sla_minutes=60
    )
    clock.advance(minutes=5)

    assert await pull(feed, store, clock, ids) == []
    assert (await store.get("TIK-1")).duplicate_count == 0


async def test_a_run_that_the_webhook_never_reported_is_found_the_next_time(
    feed: Feed, store: MemoryStore, clock: StoppedClock, ids: Iterator[int]
) -> None:
    """Within ten minutes, though it was too fresh at first."""
    feed.fails("r1", NOW - timedelta(seconds=1))
    await pull(feed, store, clock, ids)
    clock.advance(minutes=5)

    assert len(await pull(feed, store, clock, ids)) == 1


async def test_a_child_is_left_to_its_parent(
    feed: Feed, store: MemoryStore, clock: StoppedClock, ids: Iterator[int]
) -> None:
    """Healing happens at the root."""
    feed.fails("child", NOW - timedelta(minutes=5), parent="root")

    assert await pull(feed, store, clock, ids) == []


async def test_an_outage_loses_nothing(
    feed: Feed, store: MemoryStore, clock: StoppedClock, ids: Iterator[int]
) -> None:
    """The time that could not be looked at is looked at later."""
    await pull(feed, store, clock, ids)
    feed.fails("r1", NOW + timedelta(minutes=1))
    feed.problem = Transient("adf", "HTTP 503")
    for _ in range(12):
        clock.advance(minutes=5)
        with pytest.raises(Transient):
            await pull(feed, store, clock, ids)
    feed.problem = None

    assert len(await pull(feed, store, clock, ids)) == 1
    assert feed.windows[-1].start == NOW - timedelta(minutes=15)


async def test_it_never_looks_back_farther_than_a_day(
    feed: Feed, store: MemoryStore, clock: StoppedClock, ids: Iterator[int]
) -> None:
    """What failed during a week of holidays is no news."""
    await pull(feed, store, clock, ids)
    clock.advance(days=7)

    await pull(feed, store, clock, ids)

    assert feed.windows[-1].start == clock.now() - timedelta(hours=24)
