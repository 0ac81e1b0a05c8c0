"""Queries as SQL text and its values. Text is made of constants only; values go beside it."""

from shared.domain.search import query_words
from shared.ports.audit import AuditQuery
from shared.ports.tickets import FACETS, FILTERS, Order, TicketQuery
from shared.stores.cursors import Position, moment

Statement = tuple[str, tuple[object, ...]]

_ORDERS = {
    Order.NEWEST: ("created_at", "DESC"),
    Order.OLDEST: ("created_at", "ASC"),
    Order.LATEST_CHANGE: ("updated_at", "DESC"),
    Order.EARLIEST_CHANGE: ("updated_at", "ASC"),
    Order.MOST_SEVERE: ("rank", "DESC"),
    Order.LEAST_SEVERE: ("rank", "ASC"),
}


def page(query: TicketQuery, after: Position | None) -> Statement:
    """Select the bodies of one page, and one more if there is a next page."""
    parts, values = _conditions(query)
    column, direction = _ORDERS[query.order]
    if after is not None:
        parts.append(f"({column}, id) {'<' if direction == 'DESC' else '>'} (?, ?)")
        values += after
    order = f"ORDER BY {column} {direction}, id {direction}"
    text = f"SELECT body FROM tickets{_where(parts)} {order} LIMIT ?"  # noqa: S608 - constants
    return text, (*values, query.limit + 1)


def facets(query: TicketQuery) -> Statement:
    """Select each facet's name, each of its values and how often it is found."""
    parts, values = _conditions(query)
    counts = " UNION ALL ".join(
        f"SELECT '{name}', {name}, COUNT(*) FROM found WHERE {name} IS NOT NULL GROUP BY 2"  # noqa: S608
        for name in FACETS
    )
    # The index has all that is counted: nobody has to turn the pages of the tickets themselves.
    found = f"SELECT {', '.join(FACETS)} FROM tickets INDEXED BY tickets_counted{_where(parts)}"  # noqa: S608
    return f"WITH found AS MATERIALIZED ({found}) {counts} ORDER BY 1, 2", tuple(values)


def audit(query: AuditQuery) -> Statement:
    """Select the bodies of audit entries."""
    parts: list[str] = ["seq > ?"]
    chosen: list[object] = [query.after]
    for column in ("subject", "actor", "action"):
        if wanted := getattr(query, column):
            parts.append(f"{column} = ?")
            chosen.append(wanted)
    return (
        f"SELECT body FROM audit{_where(parts)} ORDER BY seq LIMIT ?",  # noqa: S608 - constants
        (*chosen, query.limit),
    )


def _conditions(query: TicketQuery) -> tuple[list[str], list[object]]:
    parts: list[str] = []
    values: list[object] = []
    for column in FILTERS:
        wanted: tuple[str, ...] = getattr(query, column)
        if wanted:
            parts.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    if query.except_source:
        parts.append(f"source NOT IN ({', '.join('?' * len(query.except_source))})")
        values += query.except_source
    if query.since is not None:
        parts.append("created_at >= ?")
        values.append(moment(query.since))
    if query.until is not None:
        parts.append("created_at < ?")
        values.append(moment(query.until))
    if words := query_words(query.text):
        parts.append(
            "id IN (SELECT ticket_id FROM searchable WHERE number IN"
            " (SELECT rowid FROM ticket_words WHERE ticket_words MATCH ?))"
        )
        values.append(" ".join(f'"{word}"*' for word in words))
    elif query.text:
        parts.append("0")  # without letters and digits there is nothing to find
    return parts, values


def _where(parts: list[str]) -> str:
    return f" WHERE {' AND '.join(parts)}" if parts else ""
