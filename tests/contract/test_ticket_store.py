"""What every store promises, run against each implementation."""

import asyncio
import base64
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.errors import (
    IllegalTransition,
    InvalidInput,
    NotFound,
    Unavailable,
    VersionConflict,
)
from shared.domain.event import OutboxItem
from shared.domain.ticket import Change, Outcome, Status, Ticket
from shared.ports.tickets import TicketQuery
from shared.stores.sqlite import SqliteStore
from tests.contract.stores import Store
from tests.support.builders import NOW, an_opening

ID = "TIK-20261120-000001"


def noted(
    message: str, status: Status | None = None, outcome: Outcome | None = None
) -> Callable[[Ticket], Change]:
    """Return a decision that adds an event and, if given, moves the ticket."""
    return lambda ticket: ticket.changed(
        NOW, "test.noted", message, status=status or ticket.status, outcome=outcome
    )


async def test_a_ticket_is_created_once(store: Store) -> None:
    """The second creation of the same id has no effect and says so."""
    assert await store.create(an_opening(ID))
    assert not await store.create(an_opening(ID))

    assert len(await store.events(ID)) == 1


async def test_what_is_stored_comes_back_equal(store: Store) -> None:
    """A ticket survives the way to the store and back, field by field."""
    opening = an_opening(ID)
    await store.create(opening)

    assert await store.get(ID) == opening.ticket


async def test_an_unknown_ticket_is_not_found(store: Store) -> None:
    """Reading, changing and listing events of an unknown id name it."""
    assert await store.find("TIK-none") is None
    for call in (store.get("TIK-none"), store.events("TIK-none")):
        with pytest.raises(NotFound, match="TIK-none"):
            await call
    with pytest.raises(NotFound, match="TIK-none"):
        await store.update("TIK-none", noted("x"))


@pytest.mark.parametrize("odd", ["", "/", "a/b", "a?b", "a#b", "\\", "..", "ä", "x" * 2000])
async def test_what_cannot_be_an_id_is_not_found(store: Store, odd: str) -> None:
    """People ask for anything; no store may stumble."""
    assert await store.find(odd) is None
    with pytest.raises(NotFound):
        await store.update(odd, noted("x"))
    with pytest.raises(NotFound):
        await store.delivery(odd)
    assert await store.holder("run", odd) is None
    assert await store.errands(of=[odd]) == []


async def test_a_change_and_its_event_are_stored_together(store: Store) -> None:
    """The timeline tells every stored change, in order and without a gap."""
    await store.create(an_opening(ID))

    await store.update(ID, noted("first", status=Status.ANALYZING))
    await store.update(ID, noted("second"))

    assert (await store.get(ID)).status is Status.ANALYZING
    assert [event.seq for event in await store.events(ID)] == [1, 2, 3]
    assert [event.message for event in await store.events(ID, after=1)] == ["first", "second"]


async def test_an_illegal_change_leaves_nothing_behind(store: Store) -> None:
    """Neither the ticket nor the timeline shows a refused change."""
    await store.create(an_opening(ID))

    with pytest.raises(IllegalTransition):
        await store.update(ID, noted("too soon", status=Status.MONITORING))

    assert (await store.get(ID)).version == 1
    assert len(await store.events(ID)) == 1


async def test_a_forged_version_is_refused(store: Store) -> None:
    """A change computed from an old version cannot overwrite a newer one."""
    await store.create(an_opening(ID))
    stale = noted("stale")(await store.get(ID))
    await store.update(ID, noted("newer"))

    with pytest.raises(IllegalTransition):
        await store.update(ID, lambda _: stale)


async def test_a_final_status_needs_a_fitting_outcome(store: Store) -> None:
    """Closed tickets always say how they ended, in words that fit the status."""
    await store.create(an_opening(ID))

    for outcome in (None, Outcome.HEALED):
        with pytest.raises(IllegalTransition):
            await store.update(ID, noted("x", status=Status.CLOSED, outcome=outcome))
    await store.update(ID, noted("x", status=Status.CLOSED, outcome=Outcome.CANCELLED))


async def test_concurrent_changes_all_count(store: Store) -> None:
    """No update is lost, however many come at once."""
    await store.create(an_opening(ID))

    def count(ticket: Ticket) -> Change:
        return ticket.changed(NOW, "test", "x", duplicate_count=ticket.duplicate_count + 1)

    await asyncio.gather(*(store.update(ID, count) for _ in range(100)))

    assert (await store.get(ID)).duplicate_count == 100
    assert [event.seq for event in await store.events(ID)] == list(range(1, 102))


async def test_a_decision_for_no_change_changes_nothing(store: Store) -> None:
    """``None`` leaves the version as it was."""
    await store.create(an_opening(ID))

    assert (await store.update(ID, lambda _: None)).version == 1


async def test_errands_are_stored_with_the_change_and_done_once(store: Store) -> None:
    """An errand waits from the commit on until it is done; doing it twice is harmless."""
    opening = an_opening(ID)
    item = OutboxItem(id="start-1", kind="start_remediation", payload={"instance_id": "rem-1"})
    await store.create(Change(opening.ticket, opening.events, (item,)))

    (errand,) = await store.errands()
    assert await store.errands(of=[ID]) == [errand]
    assert await store.errands(of=["TIK-other"]) == []
    await store.done(errand)
    await store.done(errand)

    assert (errand.ticket_id, errand.item) == (ID, item)
    assert await store.errands(of=[ID]) == []
    assert await store.errands() == []


async def test_a_claim_is_given_once(store: Store) -> None:
    """Of many callers at once exactly one gets the key; all learn who."""
    holders = await asyncio.gather(*(store.claim("run", "r1", f"T{n}") for n in range(50)))

    assert len(set(holders)) == 1
    assert await store.holder("run", "r1") == holders[0]
    assert await store.holder("fingerprint", "r1") is None


async def test_a_claim_changes_hands_only_from_the_named_holder(store: Store) -> None:
    """A takeover names whom it replaces; anybody else's claim stands."""
    await store.claim("fingerprint", "f", "T1")

    assert await store.claim("fingerprint", "f", "T3", instead_of="T2") == "T1"
    assert await store.claim("fingerprint", "f", "T3", instead_of="T1") == "T3"


async def test_pages_show_each_ticket_once_newest_first(store: Store) -> None:
    """Walking the cursors visits every ticket exactly once, also with equal times."""
    ids = [f"TIK-20261120-{n:06}" for n in range(7)]
    for number, ticket_id in enumerate(ids):
        await store.create(an_opening(ticket_id, NOW + timedelta(seconds=number // 2)))

    seen: list[str] = []
    query = TicketQuery(limit=3)
    while True:
        page = await store.search(query)
        seen += [ticket.id for ticket in page.items]
        if page.next_cursor is None:
            break
        query = TicketQuery(limit=3, cursor=page.next_cursor)

    assert seen == sorted(ids, reverse=True)


async def test_filters_narrow_and_their_cursor_fits_no_other(store: Store) -> None:
    """A cursor made under one filter is refused under another."""
    for number in range(4):
        await store.create(an_opening(f"TIK-20261120-{number:06}"))
    await store.update(
        "TIK-20261120-000002", noted("x", status=Status.CLOSED, outcome=Outcome.CANCELLED)
    )

    assert len((await store.search(TicketQuery(status=("closed",)))).items) == 1
    cursor = (await store.search(TicketQuery(status=("open",), limit=1))).next_cursor
    with pytest.raises(InvalidInput, match="other filters"):
        await store.search(TicketQuery(status=("closed",), cursor=cursor))
    with pytest.raises(InvalidInput, match="not a cursor"):
        await store.search(TicketQuery(cursor="!!"))


async def test_settings_have_versions(store: Store) -> None:
    """A write on an outdated version is refused; the first one expects version 0."""
    assert await store.read("mode") is None
    assert (await store.write("mode", {"mode": "hil"}, expected_version=0)).version == 1
    assert (await store.write("mode", {"mode": "auto"})).version == 2

    with pytest.raises(VersionConflict):
        await store.write("mode", {}, expected_version=1)
    stored = await store.read("mode")
    assert stored is not None
    assert (stored.value, stored.version) == ({"mode": "auto"}, 2)


async def test_sqlite_keeps_everything_over_a_restart(tmp_path: Path) -> None:
    """Another process opening the same file sees all that was answered."""
    first = SqliteStore(tmp_path / "mend.db")
    await first.create(an_opening(ID))
    await first.claim("run", "r1", ID)
    second = SqliteStore(tmp_path / "mend.db")  # without closing the first: as after a crash

    assert (await second.get(ID)).id == ID
    assert await second.holder("run", "r1") == ID
    await first.close()
    await second.close()


async def test_an_illegal_beginning_is_refused(store: Store) -> None:
    """A ticket cannot be born ended, or in the middle of its life."""
    opening = an_opening(ID)
    forged = opening.ticket.model_copy(update={"status": Status.MONITORING})

    with pytest.raises(IllegalTransition):
        await store.create(Change(forged, opening.events))

    assert await store.find(ID) is None


async def test_a_takeover_of_a_free_claim_is_a_claim(store: Store) -> None:
    """The holder that was to be replaced is gone already: the key is free and is given."""
    assert await store.claim("fingerprint", "f", "T2", instead_of="T1") == "T2"
    assert await store.holder("fingerprint", "f") == "T2"


async def test_done_takes_only_its_own_errand_off(store: Store) -> None:
    """Other tickets' errands go on waiting, also those with the same item id."""
    item = OutboxItem(id="start-1", kind="start_remediation")
    for number in range(2):
        opening = an_opening(f"TIK-20261120-{number:06}")
        await store.create(Change(opening.ticket, opening.events, (item,)))

    first, second = await store.errands()
    await store.done(first)

    assert await store.errands() == [second]


async def test_a_cursor_fits_no_other_platform(store: Store) -> None:
    """Each filter is part of the cursor."""
    for number in range(2):
        await store.create(an_opening(f"TIK-20261120-{number:06}"))
    cursor = (await store.search(TicketQuery(platform=("adf",), limit=1))).next_cursor

    with pytest.raises(InvalidInput, match="other filters"):
        await store.search(TicketQuery(platform=("databricks",), cursor=cursor))


@pytest.mark.parametrize(
    "body", [b"17", b"null", b"{}", b'["a"]', b"[1, 2, 3, 4]", b"\xff", b"", b'"abcd"']
)
async def test_no_cursor_of_ours(store: Store, body: bytes) -> None:
    """Whatever somebody makes up is refused, never an error of ours."""
    cursor = base64.urlsafe_b64encode(body).decode() or "="

    with pytest.raises(InvalidInput, match="not a cursor"):
        await store.search(TicketQuery(cursor=cursor))


async def test_sqlite_is_told_to_wait_for_the_disk(tmp_path: Path) -> None:
    """What was answered survives a power cut: WAL with ``synchronous=FULL`` on the writer."""
    store = SqliteStore(tmp_path / "mend.db")
    await store.create(an_opening(ID))

    def told(db: sqlite3.Connection) -> tuple[str, int]:
        (mode,) = db.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = db.execute("PRAGMA synchronous").fetchone()
        return mode, synchronous

    assert await store._writer.run(told) == ("wal", 2)
    await store.close()


async def test_sqlite_refuses_a_newer_schema(tmp_path: Path) -> None:
    """An older release does not touch what a newer one wrote."""
    path = tmp_path / "mend.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    store = SqliteStore(path)

    with pytest.raises(Unavailable, match="newer release"):
        await store.get(ID)
    await store.close()


async def test_sqlite_that_cannot_work_is_unavailable(tmp_path: Path) -> None:
    """A broken file is a 503 for the sender, never a stack trace."""
    path = tmp_path / "mend.db"
    path.write_bytes(b"this is not a database" * 100)
    store = SqliteStore(path)

    with pytest.raises(Unavailable, match=r"mend\.db"):
        await store.create(an_opening(ID))
    await store.close()


async def test_two_processes_on_one_file_lose_no_update(tmp_path: Path) -> None:
    """What was read inside an update is still true when it is written."""
    stores = [SqliteStore(tmp_path / "mend.db") for _ in range(2)]
    await stores[0].create(an_opening(ID))

    def count(ticket: Ticket) -> Change:
        time.sleep(0.001)  # widens the gap between reading and writing
        return ticket.counted(NOW, duplicate_count=ticket.duplicate_count + 1)

    await asyncio.gather(*(stores[n % 2].update(ID, count) for n in range(40)))

    assert (await stores[0].get(ID)).duplicate_count == 40
    for store in stores:
        await store.close()
