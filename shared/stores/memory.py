"""Forgets everything when the process ends: for tests.

Atomic because nothing in here awaits between reading and writing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from shared.domain.alert import CANARY
from shared.domain.attempt import AttemptOutcome
from shared.domain.audit import AuditEntry, AuditNote
from shared.domain.delivery import Delivery, DeliveryState, HourlyCounts, IntakeCounts
from shared.domain.errors import NotFound, VersionConflict
from shared.domain.event import Event
from shared.domain.limits import Limit, LimitReached, Send
from shared.domain.notification import Remembered
from shared.domain.search import query_words, words_of
from shared.domain.ticket import Change, Ticket, checked
from shared.ports.audit import AuditQuery
from shared.ports.inbox import Settle
from shared.ports.settings import StoredSetting
from shared.ports.tickets import FACETS, FILTERS, Decide, Errand, TicketPage, TicketQuery
from shared.stores import cursors
from shared.stores.counting import first_reached
from shared.stores.cursors import position_of


class MemoryStore:
    """Reference implementation of every protocol of :mod:`shared.ports` that speaks of storing."""

    def __init__(self) -> None:
        self.incarnation = "memory"
        self._tickets: dict[str, Ticket] = {}
        self._events: dict[str, list[Event]] = {}
        self._outbox: list[Errand] = []
        self._claims: dict[tuple[str, str], str] = {}
        self._settings: dict[str, StoredSetting] = {}
        self._sends: dict[str, Send] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._counts: dict[tuple[datetime, str], IntakeCounts] = {}
        self._audit: list[AuditEntry] = []
        self._told: dict[tuple[str, str], Remembered] = {}

    async def create(self, change: Change) -> bool:
        """See the protocol."""
        checked(None, change)
        if change.ticket.id in self._tickets:
            return False
        self._save(change)
        return True

    async def get(self, ticket_id: str) -> Ticket:
        """See the protocol."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None:
            raise NotFound(f"there is no ticket {ticket_id!r}")
        return ticket

    async def find(self, ticket_id: str) -> Ticket | None:
        """See the protocol."""
        return self._tickets.get(ticket_id)

    async def update(self, ticket_id: str, decide: Decide) -> Ticket:
        """See the protocol."""
        current = await self.get(ticket_id)
        change = decide(current)
        if change is None:
            return current
        self._save(checked(current, change))
        return change.ticket

    async def events(self, ticket_id: str, *, after: int = 0, limit: int = 200) -> list[Event]:
        """See the protocol."""
        await self.get(ticket_id)
        return [event for event in self._events[ticket_id] if event.seq > after][:limit]

    async def search(self, query: TicketQuery) -> TicketPage:
        """See the protocol."""
        after = cursors.decode(query)
        descends = query.order.startswith("-")
        found = sorted(
            self._found(query), key=lambda one: position_of(one, query.order), reverse=descends
        )
        if after is not None:
            found = [
                one
                for one in found
                if (position_of(one, query.order) < after) is descends
                and position_of(one, query.order) != after
            ]
        items = tuple(found[: query.limit])
        more = len(found) > query.limit
        return TicketPage(items, cursors.encode(query, items[-1]) if more else None)

    async def facets(self, query: TicketQuery) -> dict[str, dict[str, int]]:
        """See the protocol."""
        found = list(self._found(query))
        counted = {name: Counter(_value(one, name) for one in found) for name in FACETS}
        return {
            name: {value: counts[value] for value in sorted(filter(None, counts))}
            for name, counts in counted.items()
        }

    def _found(self, query: TicketQuery) -> Iterator[Ticket]:
        return (ticket for ticket in self._tickets.values() if _matches(query, ticket))

    async def errands(self, limit: int = 100, *, of: Collection[str] | None = None) -> list[Errand]:
        """See the protocol."""
        return [one for one in self._outbox if of is None or one.ticket_id in of][:limit]

    async def done(self, errand: Errand) -> None:
        """See the protocol."""
        self._outbox = [
            other
            for other in self._outbox
            if (other.ticket_id, other.item.id) != (errand.ticket_id, errand.item.id)
        ]

    async def update_counted(
        self, ticket_id: str, decide: Decide, send: Send, limits: Sequence[Limit]
    ) -> tuple[Ticket, LimitReached | None]:
        """See the protocol."""
        current = await self.get(ticket_id)
        change = decide(current)
        if change is None:
            return current, None
        if send.key not in self._sends:
            reached = first_reached(send, limits, self._sends.values())
            if reached is not None:
                return current, reached
        self._save(checked(current, change))
        self._sends.setdefault(send.key, send)
        return change.ticket, None

    async def limit_reached(self, send: Send, limits: Sequence[Limit]) -> LimitReached | None:
        """See the protocol."""
        if send.key in self._sends:
            return None
        return first_reached(send, limits, self._sends.values())

    async def end_send(self, key: str, at: datetime, outcome: AttemptOutcome) -> None:
        """See the protocol."""
        send = self._sends.get(key)
        if send is not None and send.ended_at is None:
            self._sends[key] = send.model_copy(update={"ended_at": at, "outcome": outcome})

    async def latest_outcomes(self, scope: str, most: int) -> list[Send]:
        """See the protocol."""
        over = [one for one in self._sends.values() if one.scope == scope and one.ended_at]
        return sorted(over, key=lambda one: str(one.ended_at), reverse=True)[:most]

    async def failing_share(self, scope: str, since: datetime) -> tuple[int, int]:
        """See the protocol."""
        here = [one for one in self._tickets.values() if one.resource.scope == scope]
        failing = {one.resource.name.casefold() for one in here if one.created_at >= since}
        return len(failing), len({one.resource.name.casefold() for one in here})

    async def claim(
        self, kind: str, key: str, holder: str, *, instead_of: str | None = None
    ) -> str:
        """See the protocol."""
        current = self._claims.get((kind, key))
        if current is not None and current != instead_of:
            return current
        self._claims[kind, key] = holder
        return holder

    async def holder(self, kind: str, key: str) -> str | None:
        """See the protocol."""
        return self._claims.get((kind, key))

    async def read(self, name: str) -> StoredSetting | None:
        """See the protocol."""
        return self._settings.get(name)

    async def write(
        self,
        name: str,
        value: dict[str, object],
        *,
        expected_version: int | None = None,
        note: AuditNote | None = None,
    ) -> StoredSetting:
        """See the protocol."""
        current = self._settings.get(name)
        version = current.version if current else 0
        if expected_version is not None and expected_version != version:
            raise VersionConflict(
                f"setting {name!r} is at version {version}, not {expected_version}"
            )
        self._settings[name] = StoredSetting(value, version + 1)
        if note is not None:
            data: dict[str, object] = {
                "version": version + 1,
                "before": current.value if current else None,
                "after": value,
            }
            self._append(f"settings/{name}", note, data, datetime.now(UTC))
        return self._settings[name]

    async def receive(self, delivery: Delivery, counts: IntakeCounts) -> Delivery:
        """See the protocol."""
        for known in self._deliveries.values():
            if (known.source, known.key) == (delivery.source, delivery.key):
                return known
        self._deliveries[delivery.id] = delivery
        self._count(delivery.source, delivery.received_at, counts)
        return delivery

    async def settle(self, delivery_id: str, change: Settle, counts: IntakeCounts) -> Delivery:
        """See the protocol."""
        settled = change(await self.delivery(delivery_id))
        self._deliveries[delivery_id] = settled
        self._count(settled.source, settled.received_at, counts)
        return settled

    async def delivery(self, delivery_id: str) -> Delivery:
        """See the protocol."""
        if delivery_id not in self._deliveries:
            raise NotFound(f"there is no delivery {delivery_id!r}")
        return self._deliveries[delivery_id]

    async def deliveries(
        self, states: tuple[DeliveryState, ...], *, limit: int = 100, before: str | None = None
    ) -> list[Delivery]:
        """See the protocol."""
        found = [
            one
            for one in self._deliveries.values()
            if one.state in states and (before is None or one.id < before)
        ]
        return sorted(found, key=lambda one: one.id, reverse=True)[:limit]

    async def count(self, source: str, at: datetime, counts: IntakeCounts) -> None:
        """See the protocol."""
        self._count(source, at, counts)

    def _count(self, source: str, at: datetime, counts: IntakeCounts) -> None:
        key = (_hour(at), source)
        if counts != IntakeCounts():
            self._counts[key] = self._counts.get(key, IntakeCounts()).plus(counts)

    async def intake_counts(self, since: datetime) -> list[HourlyCounts]:
        """See the protocol."""
        return [
            HourlyCounts(source=source, hour=hour, counts=counts)
            for (hour, source), counts in sorted(self._counts.items(), key=lambda item: item[0])
            if hour >= _hour(since)
        ]

    async def forget_deliveries(self, before: datetime) -> int:
        """See the protocol."""
        over = {DeliveryState.DONE, DeliveryState.DISCARDED}
        old = [
            one.id
            for one in self._deliveries.values()
            if one.state in over and one.settled_at and one.settled_at < before
        ]
        for delivery_id in old:
            del self._deliveries[delivery_id]
        return len(old)

    async def remembered(self, channel: str, ticket_id: str) -> Remembered | None:
        """See the protocol."""
        return self._told.get((channel, ticket_id))

    async def remember(self, remembered: Remembered) -> None:
        """See the protocol."""
        self._told[remembered.channel, remembered.ticket_id] = remembered

    async def untold(
        self, channel: str, *, since: datetime, now: datetime, limit: int
    ) -> list[Ticket]:
        """See the protocol."""
        found = []
        for ticket in self._tickets.values():
            told = self._told.get((channel, ticket.id))
            behind = told is None or told.version < ticket.version
            waits = told is not None and told.next_at is not None and told.next_at > now
            if behind and not waits and ticket.updated_at >= since and ticket.source != CANARY:
                found.append(ticket)
        found.sort(key=lambda one: (one.parent_id is not None, one.updated_at, one.id))
        return found[:limit]

    async def audit(self, query: AuditQuery) -> list[AuditEntry]:
        """See the protocol."""
        return [
            entry
            for entry in self._audit[query.after :]
            if query.subject in {"", entry.subject}
            and query.actor in {"", entry.actor}
            and query.action in {"", entry.action}
        ][: query.limit]

    async def audit_head(self) -> AuditEntry | None:
        """See the protocol."""
        return self._audit[-1] if self._audit else None

    async def write_down(
        self, subject: str, note: AuditNote, data: dict[str, object], at: datetime
    ) -> AuditEntry:
        """See the protocol."""
        return self._append(subject, note, data, at)

    def _append(
        self, subject: str, note: AuditNote, data: dict[str, object], at: datetime
    ) -> AuditEntry:
        last = self._audit[-1] if self._audit else None
        self._audit.append(AuditEntry.after(last, note, at=at, subject=subject, data=data))
        return self._audit[-1]

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _save(self, change: Change) -> None:
        ticket_id = change.ticket.id
        self._tickets[ticket_id] = change.ticket
        self._events.setdefault(ticket_id, []).extend(change.events)
        self._outbox += [Errand(ticket_id, item) for item in change.outbox]
        for event in change.events:
            note = AuditNote(actor=event.actor, action=event.type, reason=event.message)
            data = {**event.data, "event": event.seq, "version": change.ticket.version}
            self._append(ticket_id, note, data, event.at)


def _matches(query: TicketQuery, ticket: Ticket) -> bool:
    chosen = all(
        not getattr(query, name) or _value(ticket, name) in getattr(query, name) for name in FILTERS
    )
    return (
        chosen
        and ticket.source not in query.except_source
        and (query.since is None or ticket.created_at >= query.since)
        and (query.until is None or ticket.created_at < query.until)
        and (not query.text or _has_words(query.text, ticket))
    )


def _has_words(text: str, ticket: Ticket) -> bool:
    wanted, words = query_words(text), words_of(ticket)
    return bool(wanted) and all(any(word.startswith(one) for word in words) for one in wanted)


def _value(ticket: Ticket, name: str) -> str | None:
    """Return what the ticket is filtered and counted by."""
    analysis = ticket.analysis
    match name:
        case "scope":
            return ticket.resource.scope
        case "classification":
            return analysis.classification if analysis else None
        case "signature":
            return analysis.signature if analysis else None
        case "approval":
            return ticket.approval.status if ticket.approval else None
        case _:
            return str(getattr(ticket, name))


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
