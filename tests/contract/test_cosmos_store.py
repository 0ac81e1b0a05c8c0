"""What is Cosmos DB's own: throttling, lost answers, rivals in other processes, crashes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.attempt import AttemptOutcome
from shared.domain.audit import AuditNote, verify
from shared.domain.delivery import IntakeCounts
from shared.domain.errors import NotConfigured, Unavailable
from shared.domain.event import OutboxItem
from shared.domain.limits import Per
from shared.domain.notification import Remembered
from shared.domain.ticket import Change, Ticket
from shared.ports.audit import AuditQuery
from shared.ports.tickets import FACETS, FILTERS, TicketQuery
from shared.stores.cosmos import CosmosStore
from shared.stores.cosmos import trail as trail_module
from shared.stores.cosmos.documents import is_own, later, ticket_document, with_write
from shared.stores.cosmos.schema import BOOKS, CONTAINERS, TICKETS, TRAIL
from tests.contract.stores import drop, empty_store
from tests.contract.test_inbox_and_audit import ONE, a_delivery, settled
from tests.contract.test_send_ledger import a_limit, a_send
from tests.support.builders import NOW, an_opening
from tests.support.cosmos import ENDPOINT, GAPS, KEY, CosmosServer

ID = "TIK-20261120-000001"
ANA = AuditNote(actor="ana", action="settings.changed", reason="holidays")
Rivals = tuple[CosmosStore, CosmosStore]


@pytest.fixture
async def stores(cosmos_server: CosmosServer) -> AsyncIterator[Rivals]:
    """Yield two stores on one database, as two processes have them."""
    cosmos_server.well()
    first = cosmos_server.store()
    second = cosmos_server.store(first._wire._name)
    await first.create(an_opening(ID))
    yield first, second
    cosmos_server.well()
    await first.close()
    await second.close()


def counted(ticket: Ticket) -> Change:
    """Count one more, with an event."""
    return ticket.changed(NOW, "test", "x", duplicate_count=ticket.duplicate_count + 1)


async def test_a_throttled_request_waits_as_it_is_told(
    cosmos_server: CosmosServer, stores: Rivals
) -> None:
    """The delay of the answer is kept, and the throttling is counted."""
    store, _ = stores
    cosmos_server.fault(status=429, times=3, retry_after_ms=150)
    began = asyncio.get_running_loop().time()

    await store.get(ID)

    assert asyncio.get_running_loop().time() - began >= 0.45
    assert store.charges.by_operation["tickets.read"].throttled == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (429, "throughput"),
        (503, "COSMOS_ENDPOINT"),
        (401, "COSMOS_KEY"),
        (403, "Built-in Data Contributor"),
        (413, "2 MB"),
    ],
)
async def test_what_does_not_pass_is_unavailable(
    cosmos_server: CosmosServer, stores: Rivals, status: int, said: str
) -> None:
    """With a sentence that says what to do; senders are answered 503 and come again."""
    impatient = cosmos_server.store(stores[0]._wire._name, patience_seconds=0.2)
    await impatient.get(ID)
    cosmos_server.fault(status=status, times=1000)

    with pytest.raises(Unavailable, match=said):
        await impatient.update(ID, counted)
    with pytest.raises(Unavailable, match=said):
        await impatient.search(TicketQuery())

    cosmos_server.well()
    assert (await impatient.get(ID)).version == 1
    await impatient.close()


@pytest.mark.parametrize("status", [408, 410, 449, 500, 503])
async def test_a_passing_fault_is_not_seen(
    cosmos_server: CosmosServer, stores: Rivals, status: int
) -> None:
    """It is asked again a moment later."""
    store, _ = stores
    cosmos_server.fault(status=status, times=2)

    assert (await store.update(ID, counted)).duplicate_count == 1


async def _settle(store: CosmosStore) -> None:
    await store.receive(a_delivery(1), ONE)
    await store.settle("DLV-0001", settled(), IntakeCounts(opened=1))  # type: ignore[arg-type]


CALLS: dict[str, Callable[[CosmosStore], Awaitable[object]]] = {
    "create": lambda store: store.create(an_opening("TIK-2")),
    "update": lambda store: store.update(ID, counted),
    "claim": lambda store: store.claim("run", "r1", "T1"),
    "write": lambda store: store.write("mode", {"mode": "hil"}, expected_version=0, note=ANA),
    "receive": lambda store: store.receive(a_delivery(1, key="k"), ONE),
    "settle": _settle,
    "count": lambda store: store.count("adf", NOW, ONE),
    "write_down": lambda store: store.write_down("x", ANA, {}, NOW),
    "send": lambda store: store.update_counted(ID, counted, a_send("a"), (a_limit(Per.ALL, 1),)),
    "remember": lambda store: store.remember(Remembered(channel="slack", ticket_id=ID)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("after", range(5))
async def test_a_write_whose_answer_is_lost_is_done_once(
    cosmos_server: CosmosServer, stores: Rivals, name: str, after: int
) -> None:
    """Whichever request of a call it strikes: it is done again and recognises itself."""
    store, rival = stores
    cosmos_server.fault(lose=True, after=after, match="POST.*/docs|PUT|DELETE")

    result = await CALLS[name](store)

    assert result is not False
    cosmos_server.well()
    assert (await rival.get(ID)).version == (2 if name in {"update", "send"} else 1)
    events = await rival.events(ID)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    counts = await rival.intake_counts(NOW)
    assert [one.counts.opened for one in counts] == {"settle": [1]}.get(name, [0] * len(counts))
    assert [one.counts.received for one in counts] == (
        [1] if name in {"receive", "settle", "count"} else []
    )
    trail = await rival.audit(AuditQuery())
    more = name in {"create", "update", "write", "write_down", "send"}
    assert (len(trail), verify(trail).whole) == (1 + more, True)


async def test_rivals_lose_no_update(stores: Rivals) -> None:
    """Processes meet by compare-and-set; callers of one process share commits."""
    await asyncio.gather(*(stores[n % 2].update(ID, counted) for n in range(60)))

    assert (await stores[0].get(ID)).duplicate_count == 60
    assert [one.seq for one in await stores[1].events(ID)] == list(range(1, 62))
    commits = sum(one.charges.by_operation["tickets.commit"].requests for one in stores)
    assert commits < 60


async def test_rivals_make_one_trail(stores: Rivals) -> None:
    """Each note once, in one chain without a gap."""
    await asyncio.gather(
        *(stores[n % 2].create(an_opening(f"T-{n}")) for n in range(30)),
        *(stores[n % 2].write_down(f"W-{n}", ANA, {}, NOW) for n in range(10)),
        *(store.catch_up() for store in stores for _ in range(3)),
    )

    trail = await stores[0].audit(AuditQuery(limit=1000))
    assert verify(trail).whole
    assert sorted(one.subject for one in trail) == sorted(
        [ID, *(f"T-{n}" for n in range(30)), *(f"W-{n}" for n in range(10))]
    )
    assert await stores[1].audit(AuditQuery(limit=1000)) == trail


async def test_rivals_exceed_no_limit(stores: Rivals) -> None:
    """The ledger is a compare-and-set of its own, before the ticket."""
    done = 0
    for most in range(1, 8):
        limits = (a_limit(Per.ALL, most),)
        sends = [a_send(f"{most} {n}") for n in range(6)]
        came = await asyncio.gather(
            *(stores[n % 2].update_counted(ID, counted, sends[n], limits) for n in range(6))
        )
        done += sum(reached is None for _, reached in came)
        assert done == most

    assert (await stores[0].get(ID)).duplicate_count == 7


async def test_rivals_share_a_claim(stores: Rivals) -> None:
    """Of takeovers at once one wins."""
    await stores[0].claim("fingerprint", "f", "T0")
    holders = await asyncio.gather(
        *(stores[n % 2].claim("fingerprint", "f", f"T{n}", instead_of="T0") for n in range(1, 9))
    )

    assert len(set(holders)) == 1
    assert await stores[1].holder("fingerprint", "f") == holders[0]


async def test_a_crash_before_the_trail_loses_nothing(
    cosmos_server: CosmosServer, stores: Rivals
) -> None:
    """The note lies beside its change until somebody moves it."""
    crashing = cosmos_server.store(stores[0]._wire._name, patience_seconds=0)
    await crashing.update(ID, counted)
    cosmos_server.fault(status=503, times=1000, match="colls/trail.*batch")
    with pytest.raises(Unavailable):
        await crashing.audit(AuditQuery())
    assert await crashing.errands() == []  # which need no trail
    await crashing.close()
    cosmos_server.well()

    trail = await stores[1].audit(AuditQuery())

    assert [one.action for one in trail] == ["ticket.opened", "test"]


async def test_a_crash_after_the_trail_enters_nothing_twice(
    cosmos_server: CosmosServer, stores: Rivals
) -> None:
    """A note that could not be removed is known by its name."""
    crashing = cosmos_server.store(stores[0]._wire._name, patience_seconds=0)
    await crashing.update(ID, counted)
    cosmos_server.fault(status=503, times=1000, match="^DELETE")
    with pytest.raises(Unavailable):
        await crashing.audit(AuditQuery())
    await crashing.close()
    cosmos_server.well()

    trail = await stores[1].audit(AuditQuery())

    assert [one.action for one in trail] == ["ticket.opened", "test"]
    assert verify(trail).whole


async def test_the_trail_goes_on_in_the_next_partition(
    stores: Rivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition ends somewhere; a batch also ends where it would be too large."""
    monkeypatch.setattr(trail_module, "_PER_PARTITION", 4)
    monkeypatch.setattr(trail_module, "_MOST_BYTES", 700)
    await asyncio.gather(*(stores[n % 2].create(an_opening(f"T-{n}")) for n in range(12)))

    await asyncio.gather(*(store.catch_up() for store in stores))

    trail = await stores[1].audit(AuditQuery())
    assert (len(trail), verify(trail).whole) == (13, True)
    text = "SELECT DISTINCT VALUE c.pk FROM c"
    assert len(await stores[0]._wire.query("test", TRAIL, text, {})) == 4
    assert stores[0].charges.by_operation["trail.append"].requests > 1


async def test_the_sweeper_lets_the_trail_catch_up(stores: Rivals) -> None:
    """It asks for errands, all of them; the trail is filled though nobody reads it."""
    assert len(await stores[0]._waiting()) == 1

    await stores[0].errands()

    assert await stores[0]._waiting() == []


async def test_a_crash_between_count_and_commit_leaves_room_unused(
    cosmos_server: CosmosServer, stores: Rivals
) -> None:
    """The limit holds; the same attempt goes on; what is given up is given back."""
    limits = (a_limit(Per.ALL, 1),)
    crashing = cosmos_server.store(stores[0]._wire._name, patience_seconds=0)
    await crashing.get(ID)
    cosmos_server.fault(status=503, times=1000, match="colls/tickets.*batch")
    with pytest.raises(Unavailable):
        await crashing.update_counted(ID, counted, a_send("a"), limits)
    await crashing.close()
    cosmos_server.well()

    _, reached = await stores[0].update_counted(ID, counted, a_send("b"), limits)
    assert reached is not None
    _, reached = await stores[1].update_counted(ID, counted, a_send("a"), limits)
    assert reached is None
    assert (await stores[0].get(ID)).duplicate_count == 1


async def test_what_is_decided_against_gives_its_room_back(stores: Rivals) -> None:
    """Also when the decision falls between the count and the commit."""
    store, _ = stores
    limits = (a_limit(Per.ALL, 1),)
    asked = 0

    def once(ticket: Ticket) -> Change | None:
        nonlocal asked
        asked += 1
        return counted(ticket) if asked == 1 else None

    await store.update_counted(ID, once, a_send("a"), limits)
    assert asked == 2
    assert await store.limit_reached(a_send("b"), limits) is None

    asked = 0

    def broken(ticket: Ticket) -> Change | None:
        if once(ticket) is None:
            raise RuntimeError("on purpose")
        return counted(ticket)

    with pytest.raises(RuntimeError):
        await store.update_counted(ID, broken, a_send("a"), limits)
    assert await store.limit_reached(a_send("b"), limits) is None


async def test_who_gives_up_gets_nothing_done(cosmos_server: CosmosServer, stores: Rivals) -> None:
    """One that is cancelled while it waits harms no other, and leaves nothing behind."""
    store, _ = stores
    cosmos_server.fault(status=429, times=1, retry_after_ms=200)
    first = asyncio.create_task(store.update(ID, counted))
    await asyncio.sleep(0.05)
    others = [asyncio.create_task(store.update(ID, counted)) for _ in range(5)]
    await asyncio.sleep(0)
    others[2].cancel()

    await asyncio.gather(first, *others, return_exceptions=True)

    assert (await store.get(ID)).duplicate_count == 5


async def test_the_incarnation_outlives_a_process_and_not_a_restore(
    cosmos_server: CosmosServer, stores: Rivals
) -> None:
    """It is made of what Cosmos DB says of the containers; a restore makes them anew."""
    first, second = stores
    fresh = cosmos_server.store()
    with pytest.raises(Unavailable, match="opened"):
        _ = fresh.incarnation

    await second.get(ID)
    await fresh.find(ID)

    assert first.incarnation == second.incarnation
    assert fresh.incarnation != first.incarnation
    await fresh.close()


async def test_what_is_missing_is_not_made_without_being_told_to(
    cosmos_server: CosmosServer,
) -> None:
    """On Azure containers come from infra/: with a wrong name we do not make a second set."""
    store = CosmosStore(cosmos_server.url, "absent", key=KEY)

    with pytest.raises(NotConfigured, match=r"'tickets'.*'absent'.*COSMOS_CREATE"):
        await store.find(ID)
    await store.close()


async def test_two_processes_may_make_what_is_missing(cosmos_server: CosmosServer) -> None:
    """The one that comes second takes what the first has made."""
    cosmos_server.well()
    first = cosmos_server.store()
    others = [cosmos_server.store(first._wire._name) for _ in range(3)]

    await asyncio.gather(*(one.find(ID) for one in (first, *others)))

    assert len({one.incarnation for one in (first, *others)}) == 1
    for one in (first, *others):
        await one.close()


async def test_numbers_of_64_bits_survive(stores: Rivals) -> None:
    """Cosmos DB's own numbers are doubles; run ids of Databricks are not."""
    number = 2**63 - 25
    change = (await stores[0].get(ID)).changed(NOW, "test", "x", data={"run": number})
    await stores[0].update(ID, lambda _: change)

    assert (await stores[1].events(ID))[-1].data == {"run": number}
    assert (await stores[1].audit(AuditQuery()))[-1].data["run"] == number


async def test_errands_of_many_tickets(stores: Rivals) -> None:
    """More than are asked for one by one."""
    item = OutboxItem(id="start/1?", kind="start_remediation")
    ids = [f"T-{n:02}" for n in range(14)]
    for name in ids:
        opening = an_opening(name)
        await stores[0].create(Change(opening.ticket, opening.events, (item,)))

    found = await stores[1].errands(of=ids[1:])

    assert [one.ticket_id for one in found] == ids[1:]
    assert len(await stores[1].errands(limit=3)) == 3
    await stores[1].done(found[0])
    assert await stores[0].errands(of=ids[:2]) == await stores[0].errands(limit=1)


async def test_who_is_to_be_told(stores: Rivals) -> None:
    """Each change makes all channels late; what waits, and canaries, are left out."""
    store, rival = stores
    for name, minutes in (("T-2", 2), ("T-3", 1)):
        await store.create(an_opening(name, NOW + timedelta(minutes=minutes)))

    async def behind(channel: str = "slack", minutes: float = 0) -> list[str]:
        now = NOW + timedelta(minutes=minutes)
        found = await rival.untold(channel, since=NOW, now=now, limit=10)
        return [one.id for one in found]

    later_on = NOW + timedelta(minutes=5)
    assert await behind() == [ID, "T-3", "T-2"]
    await store.remember(Remembered(channel="slack", ticket_id=ID, version=1))
    await store.remember(Remembered(channel="slack", ticket_id="T-2", next_at=later_on))
    assert await behind() == ["T-3"]
    assert await behind(minutes=5) == ["T-3", "T-2"]
    assert await behind("jira") == [ID, "T-3", "T-2"]

    await store.update(ID, counted)
    assert set(await behind()) == {ID, "T-3"}
    remembered = await rival.remembered("slack", "T-2")
    assert remembered is not None
    assert remembered.next_at == later_on
    assert await rival.remembered("jira", "T-2") is None
    with pytest.raises(ValueError, match="no name"):
        await behind("c.x OR true")


async def test_what_an_operation_costs_is_known(stores: Rivals) -> None:
    """In request units, by the operation's name."""
    store, _ = stores
    before = store.charges.units

    await store.update(ID, counted)

    used = store.charges.by_operation
    assert used["tickets.commit"].requests == 2
    assert store.charges.units == before + 2  # a read and a commit, at 1 RU each here


async def test_what_may_go_says_when(stores: Rivals) -> None:
    """Receipts after an hour, attempts after more than a year; tickets and claims never."""
    store, _ = stores
    await store.count("adf", NOW, ONE)
    await store.update_counted(ID, counted, a_send("a"), ())
    await store.end_send("a", NOW, AttemptOutcome.HEALED)

    text = "SELECT VALUE c.ttl FROM c WHERE c.kind = @kind"
    ttls = {
        kind: await store._wire.query("test", BOOKS, text, {"@kind": kind})
        for kind in ("receipt", "send", "counts")
    }

    assert ttls == {"receipt": [3600], "send": [400 * 24 * 3600], "counts": []}
    assert {one.name for one in CONTAINERS if one.expires} == {"books", "claims"}
    text = "SELECT * FROM c WHERE IS_DEFINED(c.ttl)"
    assert await store._wire.query("test", TICKETS, text, {}) == []


async def test_what_may_go_goes(tmp_path: Path) -> None:
    """The account itself removes it."""
    if not ENDPOINT:
        pytest.skip(f"ttl: {GAPS['ttl']} on npm's server; set COSMOS_ENDPOINT to an account")
    store = empty_store("cosmos-account", tmp_path, CosmosServer)
    assert isinstance(store, CosmosStore)
    brief = {"id": "x", "pk": "x", "kind": "receipt", "ttl": 1}
    await store._wire.create("test", BOOKS, brief)
    await asyncio.sleep(5)
    assert await store._wire.read("test", BOOKS, "x", "x") is None
    await drop(store)
    await store.close()


def test_writes_are_recognised() -> None:
    """Among the latest ones."""
    document: dict[str, object] = {"writes": []}
    for number in range(40):
        document["writes"] = with_write(document, str(number))

    assert is_own(document, "39")
    assert is_own(document, "8")
    assert not is_own(document, "7")
    assert not is_own(None, "1")


def test_every_filter_finds_its_field() -> None:
    """A field that is not there would find nothing, without a word."""
    assert {*FILTERS, *FACETS} <= ticket_document(an_opening(ID).ticket).keys()


def test_positions_only_grow() -> None:
    """Also when a clock is behind the one that wrote before."""
    ahead = f"{10**19:020}"

    assert later(ahead) == f"{10**19 + 1:020}"
    assert later("") < later("") < later(later(""))
