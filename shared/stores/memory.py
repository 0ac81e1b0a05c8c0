"""Forgets everything when the process ends: for tests.

Atomic because nothing in here awaits between reading and writing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.domain.attempt import AttemptOutcome
from shared.domain.errors import NotFound, VersionConflict
from shared.domain.event import Event
from shared.domain.limits import Limit, LimitReached, Send
from shared.domain.ticket import Change, Ticket, checked
from shared.ports.settings import StoredSetting
from shared.ports.tickets import Decide, Errand, TicketPage, TicketQuery
from shared.stores import cursors
from shared.stores.counting import first_reached


class MemoryStore:
    """Reference implementation of the three store protocols."""

    def __init__(self) -> None:
        self.incarnation = "memory"
        self._tickets: dict[str, Ticket] = {}
        self._events: dict[str, list[Event]] = {}
        self._outbox: list[Errand] = []
        self._claims: dict[tuple[str, str], str] = {}
        self._settings: dict[str, StoredSetting] = {}
        self._sends: dict[str, Send] = {}

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
        found = sorted(
            (ticket for ticket in self._tickets.values() if _matches(query, ticket)),
            key=_position,
            reverse=True,
        )
        if after is not None:
            found = [ticket for ticket in found if _position(ticket) < after]
        items = tuple(found[: query.limit])
        more = len(found) > query.limit
        return TicketPage(items, cursors.encode(query, *_position(items[-1])) if more else None)

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
        self, name: str, value: dict[str, object], *, expected_version: int | None = None
    ) -> StoredSetting:
        """See the protocol."""
        current = self._settings.get(name)
        version = current.version if current else 0
        if expected_version is not None and expected_version != version:
            raise VersionConflict(
                f"setting {name!r} is at version {version}, not {expected_version}"
            )
        self._settings[name] = StoredSetting(value, version + 1)
        return self._settings[name]

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _save(self, change: Change) -> None:
        ticket_id = change.ticket.id
        self._tickets[ticket_id] = change.ticket
        self._events.setdefault(ticket_id, []).extend(change.events)
        self._outbox += [Errand(ticket_id, item) for item in change.outbox]


def _matches(query: TicketQuery, ticket: Ticket) -> bool:
    return all(
        not wanted or value in wanted
        for wanted, value in (
            (query.status, ticket.status),
            (query.severity, ticket.severity),
            (query.source, ticket.source),
            (query.platform, ticket.platform),
        )
    )


def _position(ticket: Ticket) -> tuple[str, str]:
    return ticket.created_at.isoformat(timespec="microseconds"), ticket.id
