"""Filters, order and pages of the ``query…Runs`` calls.

Rows are plain dicts in wire form. Which operand reads which field is data, per kind of run.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from simulators.adf import refusals

PAGE_SIZE = 100
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Columns:
    """What a kind of run can be filtered and ordered by.

    Attributes:
        operands: Filter operand to field of the row.
        orders: Fields that ``orderBy`` accepts, by its own names.
        single: Operands that take one value and no list.
    """

    operands: Mapping[str, str]
    orders: Mapping[str, str]
    single: frozenset[str] = frozenset()


PIPELINE_RUNS = Columns(
    operands={
        "PipelineName": "pipelineName",
        "Status": "status",
        "RunStart": "runStart",
        "RunEnd": "runEnd",
        "RunGroupId": "runGroupId",
        "LatestOnly": "isLatest",
    },
    orders={
        "PipelineName": "pipelineName",
        "Status": "status",
        "RunStart": "runStart",
        "RunEnd": "runEnd",
    },
    single=frozenset({"RunGroupId", "LatestOnly"}),
)
ACTIVITY_RUNS = Columns(
    operands={
        "ActivityName": "activityName",
        "ActivityType": "activityType",
        "Status": "status",
        "ActivityRunStart": "activityRunStart",
        "ActivityRunEnd": "activityRunEnd",
    },
    orders={
        "ActivityName": "activityName",
        "Status": "status",
        "ActivityRunStart": "activityRunStart",
        "ActivityRunEnd": "activityRunEnd",
    },
)
TRIGGER_RUNS = Columns(
    operands={
        "TriggerName": "triggerName",
        "Status": "status",
        "TriggerRunTimestamp": "triggerRunTimestamp",
    },
    orders={
        "TriggerName": "triggerName",
        "Status": "status",
        "TriggerRunTimestamp": "triggerRunTimestamp",
    },
)


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; values are compared without regard to case."""

    field: str
    negated: bool
    values: frozenset[str]

    def admits(self, row: Row) -> bool:
        """Tell whether ``row`` passes."""
        return (_comparable(row.get(self.field)) in self.values) != self.negated


@dataclass(frozen=True, slots=True)
class Query:
    """A query as asked: a window of time, conditions that must all hold, and an order."""

    updated_after: datetime
    updated_before: datetime
    filters: tuple[Filter, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    continuation_token: str | None = None

    def covers(self, updated_at: datetime) -> bool:
        """Tell whether a run last updated then is asked for."""
        return self.updated_after <= updated_at <= self.updated_before

    def select(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that pass, in the order asked for."""
        chosen = [row for row in rows if all(rule.admits(row) for rule in self.filters)]
        for name, descending in reversed(self.order):
            chosen.sort(key=lambda row: _comparable(row.get(name)), reverse=descending)
        return chosen


@dataclass(slots=True)
class Pages:
    """Gives out long results in pages; a continuation token works as often as it is sent."""

    _rest: dict[str, list[Row]] = field(default_factory=dict)

    def page(self, query: Query, find: Callable[[], list[Row]]) -> dict[str, object]:
        """Return one page in wire form, ``continuationToken`` only if there is more.

        Raises:
            Refused: 400, the token was not given out here.
        """
        rows = find() if query.continuation_token is None else self._continued(query)
        if len(rows) <= PAGE_SIZE:
            return {"value": rows}
        token = uuid.uuid4().hex
        self._rest[token] = rows[PAGE_SIZE:]
        return {"value": rows[:PAGE_SIZE], "continuationToken": token}

    def clear(self) -> None:
        """Forget all tokens."""
        self._rest.clear()

    def _continued(self, query: Query) -> list[Row]:
        rest = self._rest.get(query.continuation_token or "")
        if rest is None:
            raise refusals.bad_request("The continuation token is invalid.", "continuationToken")
        return rest


def read_query(body: object, columns: Columns) -> Query:
    """Return the query in a request's body.

    Raises:
        Refused: 400, with the part that cannot be understood as its target.
    """
    if not isinstance(body, dict):
        raise refusals.bad_request("The request content is not a valid JSON object.", "body")
    token = body.get("continuationToken")
    return Query(
        updated_after=_moment(body, "lastUpdatedAfter"),
        updated_before=_moment(body, "lastUpdatedBefore"),
        filters=tuple(_filter(item, columns) for item in _list(body, "filters")),
        order=tuple(_order(item, columns) for item in _list(body, "orderBy")),
        continuation_token=str(token) if token else None,
    )


def _moment(body: Mapping[str, object], name: str) -> datetime:
    value = body.get(name)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise refusals.bad_request(f"'{name}' is missing or not an ISO 8601 time.", name) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _list(body: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    items = body.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise refusals.bad_request(f"'{name}' must be a list of objects.", name)
    return cast("list[Mapping[str, object]]", items)


def _filter(item: Mapping[str, object], columns: Columns) -> Filter:
    operand, operator = str(item.get("operand")), str(item.get("operator"))
    values = item.get("values")
    if operand not in columns.operands:
        raise refusals.bad_request(f"Filter operand '{operand}' is not supported.", "filters")
    if operator not in {"Equals", "NotEquals", "In", "NotIn"}:
        raise refusals.bad_request(f"Filter operator '{operator}' is not supported.", "filters")
    if not isinstance(values, list) or not values:
        raise refusals.bad_request(f"Filter operand '{operand}' needs values.", "filters")
    one_only = operand in columns.single or operator in {"Equals", "NotEquals"}
    if one_only and len(values) > 1:
        raise refusals.bad_request(
            f"Filter operand '{operand}' does not support an array of values here. "
            "Make sure to provide only one.",
            "filters",
        )
    return Filter(
        field=columns.operands[operand],
        negated=operator in {"NotEquals", "NotIn"},
        values=frozenset(_comparable(value) for value in values),
    )


def _order(item: Mapping[str, object], columns: Columns) -> tuple[str, bool]:
    name, order = str(item.get("orderBy")), str(item.get("order")).upper()
    if name not in columns.orders or order not in {"ASC", "DESC"}:
        raise refusals.bad_request(f"Cannot order by '{name}' '{order}'.", "orderBy")
    return columns.orders[name], order == "DESC"


def _comparable(value: object) -> str:
    """Return ``value`` so that equal ones are equal strings; times are brought to UTC."""
    text = "" if value is None else str(value)
    if text[:4].isdecimal() and "T" in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text.casefold()
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")
    return text.casefold()
