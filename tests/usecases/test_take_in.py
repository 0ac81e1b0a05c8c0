"""Whatever comes in is accounted for, whatever goes wrong with it."""

import asyncio
import json
from datetime import datetime, timedelta
from itertools import count

import pytest

from shared.domain.alert import Alert, Platform, Resource
from shared.domain.audit import AuditNote
from shared.domain.delivery import DeliveryState, IntakeCounts
from shared.domain.errors import IllegalTransition, InvalidInput, KeyReused, Unavailable
from shared.intake.normalised import Normalised, Rejected
from shared.ports.audit import AuditQuery
from shared.stores.memory import MemoryStore
from shared.usecases.accept_alert import Accepted, accept_alert
from shared.usecases.take_in import MAX_TRIES, Posted, TakeIn
from tests.support.builders import NOW, StoppedClock

ANA = AuditNote(actor="ana", action="delivery.redriven", reason="mended")


def read(body: bytes, received_at: datetime) -> Normalised:
    """Read ``{"good": [names], "bad": n}``."""
    try:
        asked = json.loads(body)
    except ValueError:
        raise InvalidInput("not JSON") from None
    alerts = tuple(
        Alert(
            source="test",
            resource=Resource(platform=Platform.OTHER, scope="test", kind="alert", name=name),
            title=f"{name} fails",
            occurred_at=received_at,
        )
        for name in asked.get("good", [])
    )
    bad = tuple(Rejected(field=f"x[{n}]", detail="odd") for n in range(asked.get("bad", 0)))
    if not alerts:
        raise InvalidInput("no alert in it")
    return Normalised(alerts=alerts, rejected=bad)


class World:
    """A store, a clock, and an ``accept`` that can be told to fail."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = StoppedClock()
        self.failing: dict[str, Exception] = {}
        self.slow = asyncio.Event()
        self.slow.set()
        numbers, deliveries = count(1), count(1)
        self._ticket_id = lambda _: f"TIK-{next(numbers):04}"
        self.take_in = TakeIn(
            self.store, self.clock, self.accept, lambda _: f"DLV-{next(deliveries):04}"
        )

    async def accept(self, alert: Alert, delivery_id: str) -> Accepted:
        """Accept it, or fail as told."""
        await self.slow.wait()
        if error := self.failing.get(alert.resource.name):
            raise error
        return await accept_alert(
            alert,
            self.store,
            self.clock,
            new_ticket_id=self._ticket_id,
            sla_minutes=60,
            delivery_id=delivery_id,
        )

    async def post(self, *good: str, bad: int = 0, key: str = "", told: bool = False) -> object:
        """Post these alerts."""
        body = json.dumps({"good": good, "bad": bad}).encode()
        return (await self.take_in(Posted("test", body, key, told), read)).body

    async def counts(self) -> IntakeCounts:
        """Return the sum of all counts."""
        total = IntakeCounts()
        for hour in await self.store.intake_counts(NOW - timedelta(days=1)):
            total = total.plus(hour.counts)
        return total

    async def left_over(self) -> list[str]:
        """Return the ids of what waits for somebody."""
        states = (DeliveryState.DEAD, DeliveryState.REJECTED)
        return [one.id for one in await self.store.deliveries(states)]


@pytest.fixture
def world() -> World:
    """Return an empty world."""
    return World()


async def test_everything_is_counted(world: World) -> None:
    """Opened, duplicate, rejected, turned away: the sum is what was received."""
    assert await world.post("a", "b") == {
        "accepted": 2,
        "tickets": [
            {"ticket_id": "TIK-0001", "disposition": "opened"},
            {"ticket_id": "TIK-0002", "disposition": "opened"},
        ],
    }
    await world.post("a")
    await world.take_in.refuse("test")
    with pytest.raises(InvalidInput):
        await world.take_in(Posted("test", b"{"), read)

    counts = await world.counts()
    assert counts == IntakeCounts(received=5, opened=2, duplicate=1, rejected=2)
    assert counts.unaccounted == 0
    assert await world.left_over() == ["DLV-0003"]
    opening = (await world.store.events("TIK-0001"))[0]
    assert opening.data["delivery_id"] == "DLV-0001"


async def test_one_bad_alert_drops_no_good_one_and_is_kept(world: World) -> None:
    """The sender will not send it again, so it waits for somebody here."""
    answer = await world.post("a", bad=2)

    assert answer["accepted"] == 1  # type: ignore[index]
    assert answer["dead_letter"] == "DLV-0001"  # type: ignore[index]
    assert await world.counts() == IntakeCounts(received=3, opened=1, dead_lettered=2)
    dead = await world.store.delivery("DLV-0001")
    assert dead.reason == "x[0]: odd; x[1]: odd"


async def test_a_person_is_told_and_nothing_is_kept_for_them(world: World) -> None:
    """Who reads the answer mends the mistake."""
    await world.post("a", bad=2, told=True)

    assert await world.counts() == IntakeCounts(received=3, opened=1, rejected=2)
    assert await world.left_over() == []


async def test_poison_stops_no_other(world: World) -> None:
    """One among many that nobody foresaw: the others are dealt with, it is listed."""
    world.failing["poison"] = RuntimeError("nobody foresaw this")
    names = [f"n{number}" for number in range(500)]
    names[200] = "poison"

    await world.post(*names)

    counts = await world.counts()
    assert counts == IntakeCounts(received=500, opened=499, dead_lettered=1)
    assert "nobody foresaw this" in (await world.store.delivery("DLV-0001")).reason


async def test_what_was_left_over_is_driven_again(world: World) -> None:
    """Only what was left over; what was dealt with stays as it is."""
    world.failing["b"] = RuntimeError("not yet")
    await world.post("a", "b", "c")
    world.failing.clear()

    taken = await world.take_in.redrive("DLV-0001", read, ANA)

    assert taken.opened == {"TIK-0003"}
    counts = await world.counts()
    assert counts == IntakeCounts(received=4, opened=3, dead_lettered=1)
    assert await world.left_over() == []
    assert (await world.store.get("TIK-0001")).duplicate_count == 0
    entries = await world.store.audit(AuditQuery(subject="DLV-0001"))
    assert [(one.actor, one.reason) for one in entries] == [("ana", "mended")]
    with pytest.raises(IllegalTransition, match="nothing is left"):
        await world.take_in.redrive("DLV-0001", read, ANA)


async def test_a_rejected_body_can_be_driven_again_once_it_is_understood(world: World) -> None:
    """Say after the mapping was mended."""
    with pytest.raises(InvalidInput):
        await world.take_in(Posted("test", b"a"), read)
    with pytest.raises(InvalidInput):
        await world.take_in.redrive("DLV-0001", read, ANA)

    def now_understood(_: bytes, at: datetime) -> Normalised:
        return read(b'{"good": ["a"]}', at)

    assert (await world.take_in.redrive("DLV-0001", now_understood, ANA)).opened
    assert (await world.counts()).unaccounted == 0
    assert (await world.store.delivery("DLV-0001")).tries == 3


async def test_somebody_may_let_it_go(world: World) -> None:
    """Discarded, and in the trail."""
    await world.post("a", bad=1)
    await world.take_in.discard("DLV-0001", ANA)

    assert await world.left_over() == []
    with pytest.raises(IllegalTransition):
        await world.take_in.discard("DLV-0001", ANA)


async def test_the_same_delivery_a_thousand_times(world: World) -> None:
    """One row, one ticket, one answer; and no count but the first."""
    answers = await asyncio.gather(*(world.post("a", key="msg_1") for _ in range(1_000)))

    assert all(answer == answers[0] for answer in answers)
    assert await world.counts() == IntakeCounts(received=1, opened=1)
    assert (await world.store.get("TIK-0001")).duplicate_count == 0


async def test_a_replay_while_the_first_is_under_way_is_accepted(world: World) -> None:
    """It is on disk: 202, though nobody knows its ticket yet."""
    world.slow.clear()
    first = asyncio.create_task(world.post("a", key="msg_1"))
    await asyncio.sleep(0)
    assert await world.post("a", key="msg_1") == {"accepted": 0, "tickets": []}
    world.slow.set()
    await first


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    """It is not the same delivery."""
    await world.post("a", key="msg_1")
    with pytest.raises(KeyReused):
        await world.post("b", key="msg_1")


async def test_what_a_crash_left_behind_is_dealt_with(world: World) -> None:
    """Received, kept, and then the lights went out."""
    world.failing["a"] = Unavailable("the disk is full")
    with pytest.raises(Unavailable):
        await world.post("a")
    assert (await world.counts()).unaccounted == 1
    assert await world.take_in.stale() == []

    world.failing.clear()
    world.clock.advance(minutes=2)
    for delivery in await world.take_in.stale():
        await world.take_in.redrive(delivery.id, read, ANA)

    assert await world.counts() == IntakeCounts(received=1, opened=1)
    assert await world.take_in.stale() == []


async def test_what_dies_again_and_again_is_a_dead_letter(world: World) -> None:
    """Nobody tries for ever."""
    world.failing["a"] = Unavailable("always")
    with pytest.raises(Unavailable):
        await world.post("a")
    world.clock.advance(minutes=2)
    for _ in range(MAX_TRIES - 1):
        for delivery in await world.take_in.stale():
            await world.take_in.bury(delivery.id, "always")

    assert await world.left_over() == ["DLV-0001"]
    assert await world.counts() == IntakeCounts(received=1, dead_lettered=1)


async def test_secrets_are_not_kept(world: World) -> None:
    """The body is for people to read later."""
    body = b'{"good": ["a"], "password": "hunter2hunter2", "note": "Bearer abcdefghijklmnop"}'
    await world.take_in(Posted("test", body), read)

    kept = (await world.store.delivery("DLV-0001")).body
    assert "hunter2" not in kept
    assert "abcdefghijklmnop" not in kept
    assert '"good"' in kept


async def test_of_an_endless_body_the_beginning_is_kept(world: World) -> None:
    """And it is not driven again: who knows what was in the rest."""
    body = json.dumps({"good": ["a"], "bad": 1, "x": "y" * 100_000}).encode()
    await world.take_in(Posted("test", body), read)

    kept = await world.store.delivery("DLV-0001")
    assert (len(kept.body), kept.whole) == (65_536, False)
    with pytest.raises(IllegalTransition, match="beginning"):
        await world.take_in.redrive("DLV-0001", read, ANA)
