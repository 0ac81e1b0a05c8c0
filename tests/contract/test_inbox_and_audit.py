"""Deliveries that add up, and a trail that shows when it was touched."""

import asyncio
import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.audit import AuditNote, Head, verify
from shared.domain.delivery import Delivery, DeliveryState, IntakeCounts
from shared.domain.errors import NotFound
from shared.ports.audit import AuditQuery
from shared.stores.sqlite import SqliteStore
from tests.contract.stores import Store
from tests.support.builders import NOW, an_opening

ONE = IntakeCounts(received=1)


def a_delivery(number: int = 1, *, key: str = "", source: str = "adf") -> Delivery:
    """Return a POST that has just come in."""
    name = f"DLV-{number:04}"
    return Delivery(
        id=name, source=source, key=key or name, body_hash="h", body="{}", whole=True,
        received_at=NOW,
    )  # fmt: skip


def settled(state: DeliveryState = DeliveryState.DONE, **fields: object) -> object:
    """Return the change that ends a delivery in ``state``."""
    return lambda one: one.model_copy(update={"state": state, "settled_at": NOW, **fields})


async def test_the_same_key_is_received_once(store: Store) -> None:
    """A replay gets the first one's record, and is not counted."""
    first = await store.receive(a_delivery(1, key="k"), ONE)
    again = await store.receive(a_delivery(2, key="k"), ONE)
    other = await store.receive(a_delivery(3, key="k", source="datadog"), ONE)

    assert (again, other.id) == (first, "DLV-0003")
    counts = await store.intake_counts(NOW)
    assert [(one.source, one.counts.received) for one in counts] == [("adf", 1), ("datadog", 1)]


async def test_a_thousand_replays_at_once_leave_one_record(store: Store) -> None:
    """Uniqueness holds under load."""
    deliveries = [a_delivery(number, key="k") for number in range(1000)]
    got = await asyncio.gather(*(store.receive(one, ONE) for one in deliveries))

    assert len({one.id for one in got}) == 1
    assert (await store.intake_counts(NOW))[0].counts.received == 1


async def test_counts_add_up_per_source_and_hour(store: Store) -> None:
    """What is settled later is counted in the hour it was received."""
    await store.receive(a_delivery(1), ONE)
    await store.settle("DLV-0001", settled(), IntakeCounts(opened=1))  # type: ignore[arg-type]
    await store.count("adf", NOW + timedelta(hours=1), IntakeCounts(received=2, rejected=2))
    await store.count("adf", NOW, IntakeCounts())

    hours = await store.intake_counts(NOW - timedelta(hours=5))
    assert [one.hour for one in hours] == [
        NOW.replace(minute=0, second=0),
        NOW.replace(minute=0, second=0) + timedelta(hours=1),
    ]
    assert [one.counts.unaccounted for one in hours] == [0, 0]
    assert [one.counts.opened for one in await store.intake_counts(NOW + timedelta(hours=1))] == [0]


async def test_what_is_left_over_is_listed_newest_first(store: Store) -> None:
    """Dead letters wait for somebody; what is done does not."""
    for number in range(1, 5):
        await store.receive(a_delivery(number), ONE)
    await store.settle("DLV-0001", settled(DeliveryState.DEAD, reason="odd"), IntakeCounts())  # type: ignore[arg-type]
    await store.settle("DLV-0003", settled(DeliveryState.DEAD), IntakeCounts())  # type: ignore[arg-type]
    await store.settle("DLV-0004", settled(), IntakeCounts())  # type: ignore[arg-type]

    dead = await store.deliveries((DeliveryState.DEAD,))
    assert [one.id for one in dead] == ["DLV-0003", "DLV-0001"]
    older = await store.deliveries((DeliveryState.DEAD, DeliveryState.PENDING), before="DLV-0003")
    assert [one.id for one in older] == ["DLV-0002", "DLV-0001"]


async def test_only_what_is_settled_is_forgotten(store: Store) -> None:
    """Retention ends for what nobody waits for."""
    for number, state in enumerate(DeliveryState):
        await store.receive(a_delivery(number), ONE)
        await store.settle(f"DLV-{number:04}", settled(state), IntakeCounts())  # type: ignore[arg-type]

    assert await store.forget_deliveries(NOW) == 0
    assert await store.forget_deliveries(NOW + timedelta(seconds=1)) == 2
    left = await store.deliveries(tuple(DeliveryState))
    assert {one.state for one in left} == {
        DeliveryState.PENDING,
        DeliveryState.REJECTED,
        DeliveryState.DEAD,
    }


async def test_an_unknown_delivery_is_not_found(store: Store) -> None:
    """Both calls that name one say so."""
    with pytest.raises(NotFound, match="DLV-9"):
        await store.delivery("DLV-9")
    with pytest.raises(NotFound, match="DLV-9"):
        await store.settle("DLV-9", settled(), IntakeCounts())  # type: ignore[arg-type]


async def test_every_change_is_in_the_trail(store: Store) -> None:
    """Events of tickets, settings with a note, and what is written down by itself."""
    ana = AuditNote(actor="ana", action="settings.changed", reason="holidays")
    assert await store.audit_head() is None
    await store.create(an_opening("TIK-1"))
    await store.write("policy", {"a": 1}, note=ana)
    await store.write("unseen", {"a": 1})
    await store.write_down("DLV-1", AuditNote(actor="bo", action="delivery.redriven"), {}, NOW)

    entries = await store.audit(AuditQuery())
    assert [(one.seq, one.actor, one.action, one.subject) for one in entries] == [
        (1, "system", "ticket.opened", "TIK-1"),
        (2, "ana", "settings.changed", "settings/policy"),
        (3, "bo", "delivery.redriven", "DLV-1"),
    ]
    assert entries[1].data == {"version": 1, "before": None, "after": {"a": 1}}
    assert entries[1].reason == "holidays"
    assert [one.seq for one in await store.audit(AuditQuery(actor="ana"))] == [2]
    assert [one.seq for one in await store.audit(AuditQuery(subject="TIK-1"))] == [1]
    assert [one.seq for one in await store.audit(AuditQuery(action="delivery.redriven"))] == [3]
    assert [one.seq for one in await store.audit(AuditQuery(after=1, limit=1))] == [2]
    assert verify(entries) == verify(entries, noted=Head(seq=2, hash=entries[1].hash))
    assert verify(entries).whole
    assert await store.audit_head() == entries[-1]


async def test_a_change_that_is_refused_is_not_in_the_trail(store: Store) -> None:
    """The trail tells what happened, not what somebody wanted."""
    await store.create(an_opening("TIK-1"))
    await store.create(an_opening("TIK-1"))

    assert len(await store.audit(AuditQuery())) == 1


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit SET body = replace(body, 'opened', 'closed') WHERE seq = 2", "entry 2"),
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("UPDATE audit SET seq = 9 WHERE seq = 3", "before entry 3"),
    ],
)
async def test_whoever_touches_the_trail_is_found_out(
    tmp_path: Path, statement: str, problem: str
) -> None:
    """SQLite refuses at first; and what is forced shows."""
    path = tmp_path / "mend.db"
    store = SqliteStore(path)
    for number in range(3):
        await store.create(an_opening(f"TIK-{number}"))
    noted = verify(await store.audit(AuditQuery())).head
    with closing(sqlite3.connect(path)) as db:
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            db.execute(statement)
        db.execute("DROP TRIGGER audit_stays")
        db.execute("DROP TRIGGER audit_is_final")
        db.execute(statement)
        if "seq = 9" in statement:
            db.execute("DELETE FROM audit WHERE seq = 9")
        db.commit()
    found = verify(await store.audit(AuditQuery()), noted=noted)
    await store.close()

    assert not found.whole
    assert problem in found.problem


async def test_one_of_many_that_fails_harms_no_other(tmp_path: Path) -> None:
    """What shares a commit shares nothing else."""
    store = SqliteStore(tmp_path / "mend.db")

    def broken(_: object) -> None:
        raise RuntimeError("on purpose")

    await store.create(an_opening("TIK-odd"))

    def call(number: int) -> Awaitable[object]:
        if number % 3 == 0:
            return store.update("TIK-odd", broken)
        return store.create(an_opening(f"T-{number}"))

    calls = [call(number) for number in range(60)]
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert [isinstance(one, RuntimeError) for one in results] == [n % 3 == 0 for n in range(60)]
    found = [await store.find(f"T-{number}") is not None for number in range(60)]
    assert found == [number % 3 != 0 for number in range(60)]
    await store.close()
