"""What channels have been told: the same in every store."""

from datetime import timedelta

from shared.domain.alert import CANARY
from shared.domain.notification import Remembered
from shared.domain.ticket import Change, Ticket
from tests.contract.stores import Store
from tests.support.builders import NOW, an_opening

EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def an_id(number: int) -> str:
    """Return the id of a ticket."""
    return f"TIK-20261120-{number:06d}"


async def opened(store: Store, number: int, minutes: float = 0, **fields: object) -> Ticket:
    """Store a ticket."""
    opening = an_opening(an_id(number), NOW + timedelta(minutes=minutes))
    ticket = Ticket.model_validate({**dict(opening.ticket), **fields})
    await store.create(Change(ticket, opening.events, opening.outbox))
    return ticket


async def untold(store: Store, channel: str = "slack", limit: int = 50) -> list[int]:
    """Return the numbers of the tickets that are due."""
    found = await store.untold(channel, since=EARLIER, now=NOW, limit=limit)
    return [int(ticket.id[-6:]) for ticket in found]


def told(number: int, version: int = 1, channel: str = "slack", **fields: object) -> Remembered:
    """Return a memory."""
    given = {"channel": channel, "ticket_id": an_id(number), "version": version, **fields}
    return Remembered.model_validate(given)


async def test_a_memory_is_kept_whole(store: Store) -> None:
    """Per channel and ticket; the newest one counts."""
    memory = told(
        1,
        message="1700000000.000001",
        place="C1",
        seq=4,
        marks={"shown": "abc", "phase": None},
        sending_since=NOW,
        written_in="x",
        tries=3,
        next_at=LATER,
        error="no answer",
    )
    assert await store.remembered("slack", an_id(1)) is None
    await store.remember(told(1))
    await store.remember(memory)

    assert await store.remembered("slack", an_id(1)) == memory
    assert await store.remembered("jira", an_id(1)) is None


async def test_what_is_due_is_what_has_changed(store: Store) -> None:
    """Until the channel shows the present version; each channel for itself."""
    await opened(store, 1)
    assert await untold(store) == [1]
    await store.remember(told(1))
    assert await untold(store) == []
    assert await untold(store, "jira") == [1]

    # In the same microsecond, and without an event.
    await store.update(an_id(1), lambda ticket: ticket.counted(NOW, duplicate_count=1))
    assert await untold(store) == [1]
    await store.remember(told(1, version=2))
    assert await untold(store) == []


async def test_incidents_come_first_then_what_waits_longest(store: Store) -> None:
    """So that a storm's details hold up nothing."""
    await opened(store, 1, minutes=-5, parent_id=an_id(9))
    await opened(store, 2, minutes=-1)
    await opened(store, 3, minutes=-3)

    assert await untold(store) == [3, 2, 1]
    assert await untold(store, limit=2) == [3, 2]


async def test_what_has_to_wait_is_not_due(store: Store) -> None:
    """Up to that very moment."""
    await opened(store, 1)
    await opened(store, 2)
    await store.remember(told(1, version=0, next_at=NOW + timedelta(microseconds=1)))
    await store.remember(told(2, version=0, next_at=NOW))

    assert await untold(store) == [2]


async def test_canaries_and_what_is_long_over_are_never_due(store: Store) -> None:
    """Nobody wants to hear of either."""
    await opened(store, 1, source=CANARY)
    await opened(store, 2, minutes=-61)

    assert await untold(store) == []
