"""Many things fail at one place with one cause: one of their tickets stands for all.

The earliest one does; the others point to it, so that people are called once and read one
story. Each is healed, or handed over, by itself all the same.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import ClaimStore, TicketQuery, TicketStore

MIN_TARGETS = 5
WINDOW = timedelta(minutes=15)
_LASTS = timedelta(hours=1)  # later failures are another story, even with the same cause
_MAX_CHILDREN = 500
_GROUP = "group"


class Store(TicketStore, ClaimStore, Protocol):
    """Both kinds of thing this use case writes."""


async def group_ticket(ticket_id: str, store: Store, clock: Clock) -> str | None:
    """Put the ticket under the one that stands for its cause; return that one's id, if any.

    Safe to repeat.
    """
    ticket = await store.get(ticket_id)
    signature = ticket.analysis.signature if ticket.analysis else None
    if signature is None or ticket.parent_id is not None or ticket.children:
        return ticket.parent_id
    key = f"{ticket.resource.scope}|{signature}"
    holder = await store.holder(_GROUP, key)
    parent = await store.find(holder) if holder else None
    now = clock.now()
    if parent is not None and parent.created_at >= now - _LASTS:
        await _join(ticket, parent.id, store, clock.now)
        return None if parent.id == ticket_id else parent.id
    query = TicketQuery(
        scope=(ticket.resource.scope,), signature=(signature,), since=now - WINDOW, limit=50
    )
    members = (await store.search(query)).items
    if len({one.resource.name.casefold() for one in members}) < MIN_TARGETS:
        return None
    earliest = min(members, key=lambda one: (one.created_at, one.id))
    chosen = await store.claim(_GROUP, key, earliest.id, instead_of=holder)
    for member in members:
        await _join(member, chosen, store, clock.now)
    return None if chosen == ticket_id else chosen


async def _join(member: Ticket, parent_id: str, store: Store, now: Callable[[], datetime]) -> None:
    if member.id == parent_id or member.parent_id is not None or member.children:
        return

    def add(parent: Ticket) -> Change | None:
        if member.id in parent.children or len(parent.children) >= _MAX_CHILDREN:
            return None
        children = (*parent.children, member.id)
        message = f"{member.resource.name} fails with the same cause: {member.id}"
        data: dict[str, object] = {"ticket_id": member.id, "children": len(children)}
        return parent.changed(now(), "ticket.joined", message, data=data, children=children)

    def point(current: Ticket) -> Change | None:
        if current.parent_id is not None:
            return None
        message = f"{parent_id} fails with the same cause at the same place"
        data: dict[str, object] = {"parent_id": parent_id}
        return current.changed(now(), "ticket.grouped", message, data=data, parent_id=parent_id)

    # The parent first: a crash in between is mended when the member is looked at again.
    await store.update(parent_id, add)
    await store.update(member.id, point)
