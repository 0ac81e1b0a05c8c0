"""Many failures with one cause at one place: one ticket stands for all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.analysis import Analysis
from shared.stores.memory import MemoryStore
from shared.usecases.group_tickets import MIN_TARGETS, group_ticket
from tests.support.builders import NOW, StoppedClock, a_resource, an_opening

CAUSE = "sql-firewall"


async def fail(
    store: MemoryStore, number: int, *, name: str = "", cause: str | None = CAUSE, minutes: int = 0
) -> str:
    """Store an analysed ticket of its own pipeline."""
    at = NOW + timedelta(minutes=minutes, seconds=number)
    opening = an_opening(f"TIK-{number:04}", at)
    resource = a_resource(name or f"pipeline-{number}", f"run-{number}")
    update = {"resource": resource, "analysis": Analysis(signature=cause)}
    ticket = opening.ticket.model_copy(update=update)
    await store.create(replace(opening, ticket=ticket))
    return ticket.id


@pytest.fixture
def clock() -> StoppedClock:
    """Return the time, a little after the failures."""
    return StoppedClock(NOW + timedelta(minutes=1))


@pytest.fixture
def store() -> MemoryStore:
    """Return an empty store."""
    return MemoryStore()


async def test_the_earliest_stands_for_all(store: MemoryStore, clock: StoppedClock) -> None:
    """From the fifth target on they belong together, and later ones join."""
    ids = [await fail(store, number) for number in range(MIN_TARGETS + 3)]
    parents = [await group_ticket(one, store, clock) for one in reversed(ids)]
    again = [await group_ticket(one, store, clock) for one in ids]

    assert parents == [ids[0]] * (MIN_TARGETS + 2) + [None]
    assert again == [None, *[ids[0]] * (MIN_TARGETS + 2)]
    parent = await store.get(ids[0])
    assert (set(parent.children), parent.parent_id) == (set(ids[1:]), None)
    assert len(parent.children) == len(ids) - 1
    for one in ids[1:]:
        assert (await store.get(one)).parent_id == ids[0]
        assert [e.type for e in await store.events(one)].count("ticket.grouped") == 1


@pytest.mark.parametrize("kind", ["few", "one target", "other causes", "no cause", "long ago"])
async def test_what_only_looks_alike_stays_apart(
    store: MemoryStore, clock: StoppedClock, kind: str
) -> None:
    """Few, the same one again and again, different or unknown causes, or spread over the day."""
    for number in range(4 if kind == "few" else 8):
        last = await fail(
            store,
            number,
            name="always-me" if kind == "one target" else "",
            cause=None if kind == "no cause" else f"{number}" if kind == "other causes" else CAUSE,
            minutes=-40 * (8 - number) if kind == "long ago" else 0,
        )
    assert await group_ticket(last, store, clock) is None
    assert (await store.get(last)).parent_id is None


async def test_another_story_later_has_a_parent_of_its_own(
    store: MemoryStore, clock: StoppedClock
) -> None:
    """After an hour the old incident stands for nothing new."""
    for number in range(6):
        await group_ticket(await fail(store, number), store, clock)
    clock.advance(hours=2)
    late = [await fail(store, 10 + number, minutes=120) for number in range(6)]
    parents = [await group_ticket(one, store, clock) for one in late]
    assert parents[-1] == late[0]
