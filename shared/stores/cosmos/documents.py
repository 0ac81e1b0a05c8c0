"""What a ticket, its events, errands and notes look like as documents of one partition.

A body is JSON in a string: numbers of Cosmos DB are doubles, and run ids have 64 bits. What is
searched for stands beside it.

Each document that is replaced keeps the ids of its latest writes. A write whose answer got lost
is done again; then its own id stands there, and what looks like somebody else's change was ours.
"""

import hashlib
import json
import secrets
import time
from typing import Any

from shared.domain.audit import AuditNote
from shared.domain.event import Event, OutboxItem
from shared.domain.search import words_of
from shared.domain.ticket import Change, Ticket
from shared.ports.tickets import SEVERITY_RANKS
from shared.stores.cosmos.wire import Document, Operation
from shared.stores.cursors import moment

MAX_PARTS = 90
"""Of one batch; Azure allows 100."""

_KEPT_WRITES = 32


def new_write() -> str:
    """Return the id of one write."""
    return secrets.token_hex(6)


def is_own(document: Document | None, write: str) -> bool:
    """Tell whether ``write`` is part of what is stored."""
    return document is not None and write in document.get("writes", ())


def with_write(before: Document | None, write: str) -> list[str]:
    """Return the latest writes with this one."""
    return [*(before or {}).get("writes", ()), write][-_KEPT_WRITES:]


def safe_id(*parts: str) -> str:
    """Return an id for any text: ids must not have slashes, and must not be long."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def later(before: str) -> str:
    """Return a position after ``before`` and, as far as clocks agree, after all others."""
    now = f"{time.time_ns():020}"
    return now if now > before else f"{int(before or 0) + 1:020}"


def ticket_document(ticket: Ticket) -> Document:
    """Return the document of a ticket, as it is before Cosmos DB adds its own fields."""
    analysis = ticket.analysis
    return {
        "id": ticket.id,
        "pk": ticket.id,
        "kind": "ticket",
        "body": ticket.model_dump_json(),
        "created_at": moment(ticket.created_at),
        "updated_at": moment(ticket.updated_at),
        "rank": str(SEVERITY_RANKS[ticket.severity]),
        "status": ticket.status.value,
        "severity": ticket.severity.value,
        "source": ticket.source,
        "platform": ticket.platform.value,
        "classification": analysis.classification.value if analysis else None,
        "fingerprint": ticket.fingerprint,
        "scope": ticket.resource.scope,
        "signature": analysis.signature if analysis else None,
        "approval": ticket.approval.status if ticket.approval else None,
        "target": ticket.resource.name.casefold(),
        "words": sorted(words_of(ticket)),
        "version": ticket.version,
        "part": ticket.parent_id is not None,
        "shown": [],
    }


def parts_of(changes: list[Change], before: Document | None, write: str) -> list[Operation]:
    """Return the batch that stores ``changes`` of one ticket, each following the one before.

    Args:
        before: The ticket's document as it was read; ``None``: the ticket is new.
    """
    ticket = changes[-1].ticket
    position = str((before or {}).get("position", ""))
    followers: list[Operation] = []
    for change in changes:
        for event in change.events:
            position = later(position)
            followers.append(("create", (_event(ticket.id, event),)))
            followers.append(
                ("create", (note_of_event(ticket.id, event, change.ticket.version, position),))
            )
        for item in change.outbox:
            position = later(position)
            followers.append(("upsert", (_errand(ticket.id, item, position),)))
    document = {
        **ticket_document(ticket),
        "position": position,
        "waits": (before or {}).get("waits", {}),
        "writes": with_write(before, write),
    }
    if before is None:
        return [("create", (document,)), *followers]
    unchanged = {"if_match_etag": before["_etag"]}
    return [("replace", (ticket.id, document), unchanged), *followers]


def note(pk: str, write_down: AuditNote, told: dict[str, object], position: str) -> Document:
    """Return what the audit trail is to say; it moves there after the commit.

    Args:
        told: ``subject``, ``at`` and ``data`` of the entry.
    """
    body = json.dumps({"note": write_down.model_dump(mode="json"), **told})
    return {
        "id": f"note-{position}",
        "pk": pk,
        "kind": "note",
        "note": f"{pk}/{position}",
        "position": position,
        "body": body,
    }


def note_of_event(ticket_id: str, event: Event, version: int, position: str) -> Document:
    """Return what the audit trail says about an event."""
    about = AuditNote(actor=event.actor, action=event.type, reason=event.message)
    data: dict[str, Any] = {
        **event.model_dump(mode="json")["data"],
        "event": event.seq,
        "version": version,
    }
    told: dict[str, object] = {"subject": ticket_id, "at": event.at.isoformat(), "data": data}
    return note(ticket_id, about, told, position)


def errand_id(item_id: str) -> str:
    """Return the id of an errand's document."""
    return f"errand-{safe_id(item_id)[:32]}"


def _errand(ticket_id: str, item: OutboxItem, position: str) -> Document:
    return {
        "id": errand_id(item.id),
        "pk": ticket_id,
        "kind": "errand",
        "position": position,
        "body": item.model_dump_json(),
    }


def _event(ticket_id: str, event: Event) -> Document:
    return {
        "id": f"event-{event.seq:08}",
        "pk": ticket_id,
        "kind": "event",
        "seq": event.seq,
        "body": event.model_dump_json(),
    }
