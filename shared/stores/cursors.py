"""Continuation tokens that cannot be used with another query."""

import base64
import binascii
import hashlib
import json
from datetime import datetime

from shared.domain.errors import InvalidInput
from shared.domain.search import query_words
from shared.domain.ticket import Ticket
from shared.ports.tickets import FILTERS, SEVERITY_RANKS, Order, TicketQuery

Position = tuple[str, str]
"""What a ticket is sorted by, and its id."""


def position_of(ticket: Ticket, order: Order) -> Position:
    """Return where ``ticket`` stands in ``order``; text order is the order."""
    match order:
        case Order.NEWEST | Order.OLDEST:
            return moment(ticket.created_at), ticket.id
        case Order.LATEST_CHANGE | Order.EARLIEST_CHANGE:
            return moment(ticket.updated_at), ticket.id
        case Order.MOST_SEVERE | Order.LEAST_SEVERE:
            return str(SEVERITY_RANKS[ticket.severity]), ticket.id


def moment(at: datetime) -> str:
    """Return ``at`` with a fixed width, so that text order is time order."""
    return at.isoformat(timespec="microseconds")


def encode(query: TicketQuery, last: Ticket) -> str:
    """Return the token that continues ``query`` after ``last``."""
    body = json.dumps([_filters(query), *position_of(last, query.order)])
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode(query: TicketQuery) -> Position | None:
    """Return where the last ticket seen stands, or ``None`` at the start.

    Raises:
        InvalidInput: the token is not ours, or was made for other filters.
    """
    if query.cursor is None:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        body = json.loads(base64.urlsafe_b64decode(padded.encode()))
        filters, key, ticket_id = (str(part) for part in body)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("not a cursor of this API", field="cursor") from error
    if not (key + ticket_id).isascii():
        raise InvalidInput("not a cursor of this API", field="cursor")
    if filters != _filters(query):
        raise InvalidInput("this cursor belongs to other filters; start without", field="cursor")
    return key, ticket_id


def _filters(query: TicketQuery) -> str:
    parts: list[object] = [sorted(getattr(query, name)) for name in (*FILTERS, "except_source")]
    parts += [one and moment(one) for one in (query.since, query.until)]
    parts += [query_words(query.text), query.order]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
