"""Deliveries and counts; see :class:`shared.ports.inbox.Inbox`."""

import sqlite3
from datetime import UTC, datetime

from shared.domain.delivery import (
    COUNT_NAMES,
    Delivery,
    DeliveryState,
    HourlyCounts,
    IntakeCounts,
)
from shared.domain.errors import NotFound
from shared.stores.cursors import moment

_ADD = (
    f"INSERT INTO intake_counts (source, hour, {', '.join(COUNT_NAMES)})"  # noqa: S608 - constants
    f" VALUES (?, ?, {', '.join('?' * len(COUNT_NAMES))}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in COUNT_NAMES)
)
_READ = (
    f"SELECT source, hour, {', '.join(COUNT_NAMES)} FROM intake_counts"  # noqa: S608 - constants
    " WHERE hour >= ? ORDER BY hour, source"
)


def receive(db: sqlite3.Connection, delivery: Delivery, counts: IntakeCounts) -> Delivery:
    """Store and count a new one; return the earlier one if its key is known."""
    row = db.execute(
        "SELECT body FROM deliveries WHERE source = ? AND key = ?", (delivery.source, delivery.key)
    ).fetchone()
    if row:
        return Delivery.model_validate_json(row[0])
    _save(db, delivery)
    count(db, delivery.source, delivery.received_at, counts)
    return delivery


def settle(db: sqlite3.Connection, delivery: Delivery, counts: IntakeCounts) -> Delivery:
    """Store its next version and count in the hour it was received."""
    _save(db, delivery)
    count(db, delivery.source, delivery.received_at, counts)
    return delivery


def find(db: sqlite3.Connection, delivery_id: str) -> Delivery:
    """Return one delivery.

    Raises:
        NotFound: there is none.
    """
    row = db.execute("SELECT body FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id!r}")
    return Delivery.model_validate_json(row[0])


def listed(
    db: sqlite3.Connection, states: tuple[DeliveryState, ...], limit: int, before: str | None
) -> list[Delivery]:
    """Return deliveries in one of ``states``, newest first."""
    marks = ", ".join("?" * len(states))
    rows = db.execute(
        f"SELECT body FROM deliveries WHERE state IN ({marks}) AND (? IS NULL OR id < ?)"  # noqa: S608 - question marks
        " ORDER BY id DESC LIMIT ?",
        (*states, before, before, limit),
    )
    return [Delivery.model_validate_json(body) for (body,) in rows]


def count(db: sqlite3.Connection, source: str, at: datetime, counts: IntakeCounts) -> None:
    """Add to the counts of the hour of ``at``."""
    values = [getattr(counts, name) for name in COUNT_NAMES]
    if any(values):
        db.execute(_ADD, (source, _hour(at), *values))


def counted(db: sqlite3.Connection, since: datetime) -> list[HourlyCounts]:
    """Return the counts from the hour of ``since`` on."""
    return [
        HourlyCounts(
            source=source,
            hour=datetime.fromisoformat(hour),
            counts=IntakeCounts(**dict(zip(COUNT_NAMES, values, strict=True))),
        )
        for source, hour, *values in db.execute(_READ, (_hour(since),))
    ]


def forget(db: sqlite3.Connection, before: datetime) -> int:
    """Remove what is done or discarded since before; return how many."""
    return db.execute(
        "DELETE FROM deliveries WHERE state IN (?, ?) AND settled_at < ?",
        (DeliveryState.DONE, DeliveryState.DISCARDED, moment(before)),
    ).rowcount


def _save(db: sqlite3.Connection, delivery: Delivery) -> None:
    settled = moment(delivery.settled_at) if delivery.settled_at else None
    db.execute(
        "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?)",
        (
            delivery.id,
            delivery.source,
            delivery.key,
            delivery.state,
            settled,
            delivery.model_dump_json(),
        ),
    )


def _hour(at: datetime) -> str:
    return moment(at.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
