"""Queries over tickets as text and values. Text is made of constants only; values go beside it."""

from collections.abc import Sequence

from shared.domain.alert import Platform, Severity
from shared.domain.analysis import Classification
from shared.domain.search import query_words
from shared.domain.ticket import Status
from shared.ports.tickets import FACETS, FILTERS, Order, TicketQuery
from shared.stores.cursors import Position, moment

Statement = tuple[str, dict[str, object]]

_ORDERS = {
    Order.NEWEST: ("created_at", "DESC"),
    Order.OLDEST: ("created_at", "ASC"),
    Order.LATEST_CHANGE: ("updated_at", "DESC"),
    Order.EARLIEST_CHANGE: ("updated_at", "ASC"),
    Order.MOST_SEVERE: ("rank", "DESC"),
    Order.LEAST_SEVERE: ("rank", "ASC"),
}

VALUES: dict[str, tuple[str, ...]] = {
    "status": tuple(Status),
    "severity": tuple(Severity),
    "platform": tuple(Platform),
    "classification": tuple(Classification),
}
"""The facets whose values are known; those of the others are asked for."""

assert set(VALUES) < set(FACETS)  # noqa: S101 - a facet that was renamed would be asked for


def page(query: TicketQuery, after: Position | None) -> Statement:
    """Select the bodies of one page, and one more if there is a next page."""
    conditions, values = _conditions(query)
    field, direction = _ORDERS[query.order]
    if after is not None:
        beyond = "<" if direction == "DESC" else ">"
        conditions.append(
            f"(c.{field} {beyond} @key OR (c.{field} = @key AND c.id {beyond} @last))"
        )
        values["@key"], values["@last"] = after
    text = (
        f"SELECT TOP {int(query.limit) + 1} VALUE c.body FROM c"  # noqa: S608 - constants
        f" WHERE {' AND '.join(conditions)} ORDER BY c.{field} {direction}, c.id {direction}"
    )
    return text, values


def values_of(query: TicketQuery, name: str) -> Statement:
    """Select the different values of the facet ``name``."""
    conditions, values = _conditions(query)
    return (
        f"SELECT DISTINCT VALUE c.{name} FROM c WHERE {' AND '.join(conditions)}",  # noqa: S608
        values,
    )


def count(query: TicketQuery, name: str, value: str) -> Statement:
    """Count the tickets whose facet ``name`` is ``value``."""
    conditions, values = _conditions(query)
    text = (
        "SELECT VALUE COUNT(1) FROM c"  # noqa: S608 - constants
        f" WHERE {' AND '.join(conditions)} AND c.{name} = @value"
    )
    return text, {**values, "@value": value}


def targets(scope: str, since: str = "") -> Statement:
    """Select the targets of ``scope`` that have tickets, opened at ``since`` or later."""
    text = (
        "SELECT DISTINCT VALUE c.target FROM c WHERE c.kind = 'ticket' AND c.scope = @scope"
        " AND c.created_at >= @since"
    )
    return text, {"@scope": scope, "@since": since}


def one_of(field: str, wanted: Sequence[str], name: str = "") -> Statement:
    """Return the condition that ``field`` is one of ``wanted``, and its values."""
    values: dict[str, object] = {
        f"@{name or field}{number}": one for number, one in enumerate(wanted)
    }
    return f"c.{field} IN ({', '.join(values)})", values


def _conditions(query: TicketQuery) -> tuple[list[str], dict[str, object]]:
    conditions = ["c.kind = 'ticket'"]
    values: dict[str, object] = {}
    for name in FILTERS:
        if wanted := getattr(query, name):
            condition, chosen = one_of(name, wanted)
            conditions.append(condition)
            values |= chosen
    if query.except_source:
        condition, chosen = one_of("source", query.except_source, "not_source")
        conditions.append(f"NOT ({condition})")
        values |= chosen
    if query.since is not None:
        conditions.append("c.created_at >= @since")
        values["@since"] = moment(query.since)
    if query.until is not None:
        conditions.append("c.created_at < @until")
        values["@until"] = moment(query.until)
    words = query_words(query.text)
    for number, word in enumerate(words):
        conditions.append(
            f"EXISTS(SELECT VALUE w FROM w IN c.words WHERE STARTSWITH(w, @word{number}))"  # noqa: S608
        )
        values[f"@word{number}"] = word
    if query.text and not words:
        conditions.append("false")  # without letters and digits there is nothing to find
    return conditions, values
