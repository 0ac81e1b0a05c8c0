"""A POST of a sender, from its bytes to tickets, so that none of its alerts can get lost.

It is kept before it is looked at and settled after its last alert has reached a ticket. What
a crash leaves in between is found by the sweeper and dealt with again; what cannot be dealt
with stays on a list until a person has looked at it.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.diagnosis.redact import redact
from shared.domain.alert import Alert, Requester
from shared.domain.audit import AuditNote
from shared.domain.delivery import MAX_KEPT_CHARS, Delivery, DeliveryState, IntakeCounts
from shared.domain.errors import IllegalTransition, InvalidInput, KeyReused, Unavailable
from shared.domain.model import Model
from shared.intake.content import alert_hash
from shared.intake.normalised import Normalised
from shared.ports.audit import AuditTrail
from shared.ports.clock import Clock
from shared.ports.inbox import Inbox
from shared.usecases.accept_alert import Accepted, Disposition

logger = logging.getLogger(__name__)

MAX_TRIES = 5
# A request takes milliseconds; who has not settled by then has died.
_STALE = timedelta(minutes=1)
# How long a replay waits for the first delivery's answer.
_LOOKS, _LOOK_SECONDS = 20, 0.05

Read = Callable[[bytes, datetime], Normalised]
Accept = Callable[[Alert, str], Awaitable[Accepted]]
"""Takes an alert and the id of the delivery it came with."""


class Store(Inbox, AuditTrail, Protocol):
    """All that is read and written here."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One POST whose sender is known.

    Attributes:
        key: What the sender calls it, signed with the body; empty: nothing.
        told: A person reads the answer, so what cannot be read is theirs to mend.
        requested_by: That person.
    """

    source: str
    raw: bytes
    key: str = ""
    told: bool = False
    requested_by: Requester | None = None


@dataclass(slots=True)
class _Result:
    """What became of each alert, in their order; ``None``: it could not be dealt with."""

    each: list[Accepted | None] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    failed: str = ""

    @property
    def accepted(self) -> list[Accepted]:
        return [one for one in self.each if one is not None]

    def counted(self, dead: int, *, received: int = 0, rejected: int = 0) -> IntakeCounts:
        kinds = [one.disposition for one in self.accepted]
        return IntakeCounts(
            received=received,
            opened=kinds.count(Disposition.OPENED),
            duplicate=kinds.count(Disposition.DUPLICATE),
            ignored=kinds.count(Disposition.IGNORED),
            rejected=rejected,
            dead_lettered=dead,
        )

    def answer(self) -> dict[str, object]:
        return {
            "accepted": len(self.accepted),
            "tickets": [
                {"ticket_id": one.ticket_id, "disposition": one.disposition.value}
                if one is not None
                else {"ticket_id": None, "disposition": "dead_lettered"}
                for one in self.each
            ],
        }

    def opened(self) -> frozenset[str]:
        return frozenset(
            one.ticket_id
            for one in self.accepted
            if one.disposition is Disposition.OPENED and one.ticket_id is not None
        )


class Landed(Model):
    """Where one alert ended up.

    ``disposition`` is ``opened``, ``duplicate``, ``ignored`` or ``dead_lettered``.
    """

    ticket_id: str | None
    disposition: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What the sender is told."""

    delivery_id: str
    body: dict[str, object]
    opened: frozenset[str] = frozenset()  # tickets whose remediation may begin
    replayed: bool = False

    @property
    def tickets(self) -> list[Landed]:
        """Each alert's end, in their order."""
        listed = self.body.get("tickets")
        return [Landed.model_validate(one) for one in listed] if isinstance(listed, list) else []

    @property
    def first(self) -> Landed | None:
        """The first alert's end, if it has a ticket."""
        return next((one for one in self.tickets if one.ticket_id is not None), None)


class TakeIn:
    """Takes deliveries in.

    Args:
        new_id: Makes ids that sort by time.
    """

    def __init__(
        self, store: Store, clock: Clock, accept: Accept, new_id: Callable[[datetime], str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._accept = accept
        self._new_id = new_id

    async def refuse(self, source: str) -> None:
        """Count a POST that was turned away unread."""
        await self._store.count(source, self._clock.now(), IntakeCounts(received=1, rejected=1))

    async def __call__(self, posted: Posted, read: Read) -> Taken:
        """Keep the POST, deal with every alert in it, and say what became of them.

        Raises:
            InvalidInput: not one alert of it can be read; it is kept all the same.
            Unavailable: it may have been kept or not; the sender should send again.
        """
        delivery = self._delivery(posted)
        try:
            normalised = read(posted.raw, delivery.received_at)
        except InvalidInput as error:
            update = {"state": DeliveryState.REJECTED, "reason": str(error)}
            rejected = delivery.model_copy(update={**update, "settled_at": delivery.received_at})
            await self._store.receive(rejected, IntakeCounts(received=1, rejected=1))
            raise
        count = len(normalised.alerts) + len(normalised.rejected)
        delivery = delivery.model_copy(update={"alerts": count})
        kept = await self._store.receive(delivery, IntakeCounts(received=count))
        if kept.id != delivery.id:
            return await self._replayed(kept, delivery)
        return await self._deal_with(kept, normalised, told=posted.told)

    def _delivery(self, posted: Posted) -> Delivery:
        now = self._clock.now()
        delivery_id = self._new_id(now)
        text = posted.raw[: 4 * MAX_KEPT_CHARS].decode(errors="replace")
        whole = len(posted.raw) <= MAX_KEPT_CHARS
        return Delivery(
            id=delivery_id,
            source=posted.source,
            key=posted.key or delivery_id,
            body_hash=hashlib.sha256(posted.raw).hexdigest(),
            body=redact(text[:MAX_KEPT_CHARS].replace("\x00", "")),
            whole=whole,
            received_at=now,
            requested_by=posted.requested_by,
        )

    async def _replayed(self, first: Delivery, again: Delivery) -> Taken:
        if first.body_hash != again.body_hash:
            raise KeyReused(
                "a delivery with the same id and another body has been received before; "
                "use a new id for each delivery"
            )
        for _ in range(_LOOKS):
            if first.answer is not None:
                return Taken(first.id, first.answer, replayed=True)
            if first.state is not DeliveryState.PENDING:
                break
            await asyncio.sleep(_LOOK_SECONDS)
            first = await self._store.delivery(first.id)
        # It is on disk, and the sweeper deals with it should its own request have died.
        return Taken(first.id, first.answer or {"accepted": 0, "tickets": []}, replayed=True)

    async def _deal_with(self, delivery: Delivery, normalised: Normalised, *, told: bool) -> Taken:
        result = await self._accept_all(normalised, delivery)
        unread = len(normalised.rejected)
        failed = result.each.count(None)
        dead = failed if told else failed + unread
        answer = result.answer()
        if normalised.rejected:
            answer["rejected"] = [one.model_dump(mode="json") for one in normalised.rejected]
        if dead:
            answer["dead_letter"] = delivery.id
        reasons = [result.failed, *(f"{one.field}: {one.detail}" for one in normalised.rejected)]
        await self._store.settle(
            delivery.id,
            lambda one: one.model_copy(
                update={
                    "state": DeliveryState.DEAD if dead else DeliveryState.DONE,
                    "reason": "; ".join(filter(None, reasons))[:2_000],
                    "taken": (*one.taken, *result.taken),
                    "answer": answer,
                    "settled_at": self._clock.now(),
                }
            ),
            result.counted(dead, rejected=unread if told else 0),
        )
        return Taken(delivery.id, answer, result.opened())

    async def _accept_all(self, normalised: Normalised, delivery: Delivery) -> _Result:
        """Deal with one alert after the other; one that cannot be dealt with stops no other."""
        result = _Result()
        for alert in normalised.alerts:
            key = alert_hash(alert)
            if key in delivery.taken:
                continue
            asked = alert.model_copy(update={"requested_by": delivery.requested_by})
            try:
                result.each.append(await self._accept(asked, delivery.id))
            except Unavailable:
                raise  # the sender sends again; what is accepted already is counted as known
            except Exception as error:
                logger.exception("alert not accepted", extra={"delivery_id": delivery.id})
                result.each.append(None)
                result.failed = f"{type(error).__name__}: {error}"
            else:
                result.taken.append(key)
        return result

    # What was left over

    async def redrive(self, delivery_id: str, read: Read, note: AuditNote) -> Taken:
        """Deal once more with what could not be dealt with; what could be is left alone.

        Counted like a new delivery: what was dead is dead no more, and was once.

        Raises:
            NotFound: there is no such delivery.
            IllegalTransition: nothing of it is left over, or too little of it was kept.
            InvalidInput: it still cannot be read.
        """
        delivery = await self._store.delivery(delivery_id)
        if not delivery.state.may_be_redriven:
            raise IllegalTransition(f"delivery {delivery_id} is {delivery.state}: nothing is left")
        if not delivery.whole:
            raise IllegalTransition(
                f"of delivery {delivery_id} only the beginning was kept; let it be sent again"
            )
        now = self._clock.now()
        try:
            normalised = read(delivery.body.encode(), delivery.received_at)
        except InvalidInput as error:
            reason = str(error)
            await self._store.settle(
                delivery_id,
                lambda one: one.model_copy(update={"reason": reason, "tries": one.tries + 1}),
                IntakeCounts(),
            )
            raise
        result = await self._accept_all(normalised, delivery)
        done = {*delivery.taken, *result.taken}
        dead = len(normalised.rejected) + sum(
            alert_hash(alert) not in done for alert in normalised.alerts
        )
        # A crashed one was counted when it came; the others are received a second time.
        pending = delivery.state is DeliveryState.PENDING
        received = 0 if pending else len(result.accepted) + dead
        await self._store.settle(
            delivery_id,
            lambda one: one.model_copy(
                update={
                    "state": DeliveryState.DEAD if dead else DeliveryState.DONE,
                    "reason": one.reason if dead else "",
                    "taken": (*one.taken, *result.taken),
                    "tries": one.tries + 1,
                    "settled_at": now,
                }
            ),
            result.counted(dead, received=received),
        )
        await self._store.write_down(delivery_id, note, {"accepted": len(result.accepted)}, now)
        return Taken(delivery_id, result.answer(), result.opened())

    async def discard(self, delivery_id: str, note: AuditNote) -> Delivery:
        """Take a delivery off the list for good; its body stays until its retention ends.

        Raises:
            NotFound: there is no such delivery.
            IllegalTransition: it is not on the list.
        """
        now = self._clock.now()

        def discard(one: Delivery) -> Delivery:
            if one.state not in {DeliveryState.DEAD, DeliveryState.REJECTED}:
                raise IllegalTransition(f"delivery {one.id} is {one.state}, not left over")
            return one.model_copy(update={"state": DeliveryState.DISCARDED, "settled_at": now})

        discarded = await self._store.settle(delivery_id, discard, IntakeCounts())
        await self._store.write_down(delivery_id, note, {}, now)
        return discarded

    async def stale(self) -> list[Delivery]:
        """Return what was received and never settled: its request has died."""
        latest = self._clock.now() - _STALE
        waiting = await self._store.deliveries((DeliveryState.PENDING,))
        return [one for one in waiting if one.received_at <= latest]

    async def bury(self, delivery_id: str, why: str) -> None:
        """Count one more failure of a delivery that died; the last one makes a dead letter."""

        def bury(one: Delivery) -> Delivery:
            over = one.tries + 1 >= MAX_TRIES
            return one.model_copy(
                update={
                    "tries": one.tries + 1,
                    "reason": why[:2_000],
                    "state": DeliveryState.DEAD if over else one.state,
                    "settled_at": self._clock.now() if over else None,
                }
            )

        delivery = await self._store.delivery(delivery_id)
        over = delivery.tries + 1 >= MAX_TRIES
        await self._store.settle(
            delivery_id, bury, IntakeCounts(dead_lettered=delivery.alerts if over else 0)
        )
