"""What channels have been told; see :class:`shared.ports.notifications.NotificationStore`."""

import sqlite3
from datetime import UTC, datetime

from shared.domain.alert import CANARY
from shared.domain.notification import Remembered
from shared.domain.ticket import Ticket
from shared.stores.cursors import moment

# Which tickets they are is answered by the index alone; only those are read.
_UNTOLD = """
SELECT body FROM tickets WHERE id IN (
  SELECT t.id FROM tickets AS t INDEXED BY tickets_told
  LEFT JOIN told AS d ON d.channel = :channel AND d.ticket_id = t.id
  WHERE t.updated_at >= :since AND t.source <> :canary
    AND (d.version IS NULL OR d.version < t.version)
    AND (d.next_at IS NULL OR d.next_at <= :now)
)
ORDER BY json_extract(body, '$.parent_id') IS NOT NULL, updated_at, id LIMIT :limit
"""


def load(db: sqlite3.Connection, channel: str, ticket_id: str) -> Remembered | None:
    """Return what is remembered, or ``None``."""
    row = db.execute(
        "SELECT body FROM told WHERE channel = ? AND ticket_id = ?", (channel, ticket_id)
    ).fetchone()
    return Remembered.model_validate_json(row[0]) if row else None


def save(db: sqlite3.Connection, remembered: Remembered) -> None:
    """Store it."""
    db.execute(
        "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)",
        (
            remembered.channel,
            remembered.ticket_id,
            remembered.version,
            _moment(remembered.next_at) if remembered.next_at else None,
            remembered.model_dump_json(),
        ),
    )


def untold(
    db: sqlite3.Connection, channel: str, since: datetime, now: datetime, limit: int
) -> list[Ticket]:
    """Return the tickets that ``channel`` does not show as they are."""
    asked = {
        "channel": channel,
        "since": _moment(since),
        "now": _moment(now),
        "canary": CANARY,
        "limit": limit,
    }
    return [Ticket.model_validate_json(body) for (body,) in db.execute(_UNTOLD, asked)]


def _moment(at: datetime) -> str:
    return moment(at.astimezone(UTC))
