"""Continuation tokens that cannot be used with another query."""

import base64
import binascii
import hashlib
import json

from shared.domain.errors import InvalidInput
from shared.ports.tickets import TicketQuery


def encode(query: TicketQuery, created_at: str, ticket_id: str) -> str:
    """Return the token that continues ``query`` after the given ticket."""
    body = json.dumps([_filters(query), created_at, ticket_id])
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode(query: TicketQuery) -> tuple[str, str] | None:
    """Return ``(created_at, ticket_id)`` of the last ticket seen, or ``None`` at the start.

    Raises:
        InvalidInput: the token is not ours, or was made for other filters.
    """
    if query.cursor is None:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        body = json.loads(base64.urlsafe_b64decode(padded.encode()))
        filters, created_at, ticket_id = (str(part) for part in body)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("not a cursor of this API", field="cursor") from error
    if not (created_at + ticket_id).isascii():
        raise InvalidInput("not a cursor of this API", field="cursor")
    if filters != _filters(query):
        raise InvalidInput("this cursor belongs to other filters; start without", field="cursor")
    return created_at, ticket_id


def _filters(query: TicketQuery) -> str:
    parts = [sorted(query.status), sorted(query.severity), sorted(query.source)]
    text = json.dumps([*parts, sorted(query.platform)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
