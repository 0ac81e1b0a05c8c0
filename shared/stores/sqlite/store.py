"""Every store protocol on one SQLite file; ``synchronous=FULL``: what was answered is on disk."""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.domain.attempt import AttemptOutcome
from shared.domain.audit import AuditEntry, AuditNote
from shared.domain.delivery import Delivery, DeliveryState, HourlyCounts, IntakeCounts
from shared.domain.errors import VersionConflict
from shared.domain.event import Event, OutboxItem
from shared.domain.limits import Limit, LimitReached, Per, Send
from shared.domain.notification import Remembered
from shared.domain.ticket import Change, Ticket, checked
from shared.ports.audit import AuditQuery
from shared.ports.inbox import Settle
from shared.ports.settings import StoredSetting
from shared.ports.tickets import FACETS, Decide, Errand, TicketPage, TicketQuery
from shared.stores import cursors
from shared.stores.cursors import moment
from shared.stores.sqlite import inbox, notifications, selection
from shared.stores.sqlite.connection import Reader, Writer
from shared.stores.sqlite.rows import append, load, must_load, newest, save


class SqliteStore:
    """Implements every protocol of :mod:`shared.ports` that speaks of storing.

    Args:
        path: The database file; made with its folder on first use.
    """

    def __init__(self, path: Path) -> None:
        self._writer = Writer(path)
        self._reader = Reader(path)
        # A folder that was put back from a backup looks like one after a crash.
        self.incarnation = secrets.token_hex(8)

    async def close(self) -> None:
        """Finish what is running and release the file."""
        await asyncio.gather(self._writer.close(), self._reader.close())

    # TicketStore

    async def create(self, change: Change) -> bool:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> bool:
            checked(None, change)
            if load(db, change.ticket.id) is not None:
                return False
            save(db, change)
            return True

        return await self._writer.run(work)

    async def get(self, ticket_id: str) -> Ticket:
        """See the protocol."""
        return self._reader.look_up(lambda db: must_load(db, ticket_id))

    async def find(self, ticket_id: str) -> Ticket | None:
        """See the protocol."""
        return self._reader.look_up(lambda db: load(db, ticket_id))

    async def update(self, ticket_id: str, decide: Decide) -> Ticket:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> Ticket:
            current = must_load(db, ticket_id)
            change = decide(current)
            if change is None:
                return current
            save(db, checked(current, change))
            return change.ticket

        return await self._writer.run(work)

    async def events(self, ticket_id: str, *, after: int = 0, limit: int = 200) -> list[Event]:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> list[Event]:
            must_load(db, ticket_id)
            rows = db.execute(
                "SELECT body FROM events WHERE ticket_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                (ticket_id, after, limit),
            )
            return [Event.model_validate_json(body) for (body,) in rows]

        return await self._reader.run(work)

    async def search(self, query: TicketQuery) -> TicketPage:
        """See the protocol."""
        after = cursors.decode(query)

        def work(db: sqlite3.Connection) -> TicketPage:
            rows = db.execute(*selection.page(query, after)).fetchall()
            items = [Ticket.model_validate_json(body) for (body,) in rows[: query.limit]]
            more = len(rows) > query.limit
            return TicketPage(tuple(items), cursors.encode(query, items[-1]) if more else None)

        return await self._reader.run(work)

    async def facets(self, query: TicketQuery) -> dict[str, dict[str, int]]:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> dict[str, dict[str, int]]:
            counted: dict[str, dict[str, int]] = {name: {} for name in FACETS}
            for name, value, count in db.execute(*selection.facets(query)):
                counted[name][value] = count
            return counted

        return await self._reader.run(work)

    async def errands(self, limit: int = 100, *, of: Collection[str] | None = None) -> list[Errand]:
        """See the protocol."""
        tickets = None if of is None else json.dumps(sorted(of))

        def work(db: sqlite3.Connection) -> list[Errand]:
            rows = db.execute(
                "SELECT ticket_id, body FROM outbox "
                "WHERE ?1 IS NULL OR ticket_id IN (SELECT value FROM json_each(?1)) "
                "ORDER BY position LIMIT ?2",
                (tickets, limit),
            )
            return [Errand(ticket, OutboxItem.model_validate_json(body)) for ticket, body in rows]

        return self._reader.look_up(work)

    async def done(self, errand: Errand) -> None:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "DELETE FROM outbox WHERE ticket_id = ? AND item_id = ?",
                (errand.ticket_id, errand.item.id),
            )

        await self._writer.run(work)

    # SendLedger

    async def update_counted(
        self, ticket_id: str, decide: Decide, send: Send, limits: Sequence[Limit]
    ) -> tuple[Ticket, LimitReached | None]:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> tuple[Ticket, LimitReached | None]:
            current = must_load(db, ticket_id)
            change = decide(current)
            if change is None:
                return current, None
            reached = _reached(db, send, limits)
            if reached is not None:
                return current, reached
            save(db, checked(current, change))
            db.execute(
                "INSERT OR IGNORE INTO sends VALUES (?, ?, ?, ?, ?, NULL, ?)",
                (
                    send.key,
                    send.scope,
                    send.target,
                    send.action,
                    moment(send.at),
                    send.model_dump_json(),
                ),
            )
            return change.ticket, None

        return await self._writer.run(work)

    async def limit_reached(self, send: Send, limits: Sequence[Limit]) -> LimitReached | None:
        """See the protocol."""
        return await self._reader.run(lambda db: _reached(db, send, limits))

    async def end_send(self, key: str, at: datetime, outcome: AttemptOutcome) -> None:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT body FROM sends WHERE key = ?", (key,)).fetchone()
            send = Send.model_validate_json(row[0]) if row else None
            if send is None or send.ended_at is not None:
                return
            over = send.model_copy(update={"ended_at": at, "outcome": outcome})
            db.execute(
                "UPDATE sends SET ended_at = ?, body = ? WHERE key = ?",
                (moment(at), over.model_dump_json(), key),
            )

        await self._writer.run(work)

    async def latest_outcomes(self, scope: str, most: int) -> list[Send]:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> list[Send]:
            rows = db.execute(
                "SELECT body FROM sends WHERE scope = ? AND ended_at IS NOT NULL"
                " ORDER BY ended_at DESC LIMIT ?",
                (scope, most),
            )
            return [Send.model_validate_json(body) for (body,) in rows]

        return await self._reader.run(work)

    async def failing_share(self, scope: str, since: datetime) -> tuple[int, int]:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> tuple[int, int]:
            name = "json_extract(body, '$.resource.name') COLLATE NOCASE"
            failing, known = db.execute(
                f"SELECT COUNT(DISTINCT CASE WHEN created_at >= ? THEN {name} END),"  # noqa: S608
                f" COUNT(DISTINCT {name})"
                " FROM tickets WHERE json_extract(body, '$.resource.scope') = ?",
                (moment(since), scope),
            ).fetchone()
            return int(failing), int(known)

        return await self._reader.run(work)

    # ClaimStore

    async def claim(
        self, kind: str, key: str, holder: str, *, instead_of: str | None = None
    ) -> str:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> str:
            current = _holder(db, kind, key)
            if current is not None and current != instead_of:
                return current
            db.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (kind, key, holder))
            return holder

        return await self._writer.run(work)

    async def holder(self, kind: str, key: str) -> str | None:
        """See the protocol."""
        return self._reader.look_up(lambda db: _holder(db, kind, key))

    # SettingsStore

    async def read(self, name: str) -> StoredSetting | None:
        """See the protocol."""
        return self._reader.look_up(lambda db: _setting(db, name))

    async def write(
        self,
        name: str,
        value: dict[str, object],
        *,
        expected_version: int | None = None,
        note: AuditNote | None = None,
    ) -> StoredSetting:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> StoredSetting:
            current = _setting(db, name)
            version = current.version if current else 0
            if expected_version is not None and expected_version != version:
                raise VersionConflict(
                    f"setting {name!r} is at version {version}, not {expected_version}"
                )
            db.execute(
                "INSERT OR REPLACE INTO settings VALUES (?, ?, ?)",
                (name, version + 1, json.dumps(value)),
            )
            if note is not None:
                data: dict[str, object] = {
                    "version": version + 1,
                    "before": current.value if current else None,
                    "after": value,
                }
                _append(db, f"settings/{name}", note, data, datetime.now(UTC))
            return StoredSetting(value, version + 1)

        return await self._writer.run(work)

    # Inbox

    async def receive(self, delivery: Delivery, counts: IntakeCounts) -> Delivery:
        """See the protocol."""
        return await self._writer.run(lambda db: inbox.receive(db, delivery, counts))

    async def settle(self, delivery_id: str, change: Settle, counts: IntakeCounts) -> Delivery:
        """See the protocol."""
        return await self._writer.run(
            lambda db: inbox.settle(db, change(inbox.find(db, delivery_id)), counts)
        )

    async def delivery(self, delivery_id: str) -> Delivery:
        """See the protocol."""
        return self._reader.look_up(lambda db: inbox.find(db, delivery_id))

    async def deliveries(
        self, states: tuple[DeliveryState, ...], *, limit: int = 100, before: str | None = None
    ) -> list[Delivery]:
        """See the protocol."""
        return await self._reader.run(lambda db: inbox.listed(db, states, limit, before))

    async def count(self, source: str, at: datetime, counts: IntakeCounts) -> None:
        """See the protocol."""
        await self._writer.run(lambda db: inbox.count(db, source, at, counts))

    async def intake_counts(self, since: datetime) -> list[HourlyCounts]:
        """See the protocol."""
        return await self._reader.run(lambda db: inbox.counted(db, since))

    async def forget_deliveries(self, before: datetime) -> int:
        """See the protocol."""
        return await self._writer.run(lambda db: inbox.forget(db, before))

    # NotificationStore

    async def remembered(self, channel: str, ticket_id: str) -> Remembered | None:
        """See the protocol."""
        return self._reader.look_up(lambda db: notifications.load(db, channel, ticket_id))

    async def remember(self, remembered: Remembered) -> None:
        """See the protocol."""
        await self._writer.run(lambda db: notifications.save(db, remembered))

    async def untold(
        self, channel: str, *, since: datetime, now: datetime, limit: int
    ) -> list[Ticket]:
        """See the protocol."""
        return await self._reader.run(
            lambda db: notifications.untold(db, channel, since, now, limit)
        )

    # AuditTrail

    async def audit(self, query: AuditQuery) -> list[AuditEntry]:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> list[AuditEntry]:
            rows = db.execute(*selection.audit(query)).fetchall()
            return [AuditEntry.model_validate_json(body) for (body,) in rows]

        return await self._reader.run(work)

    async def audit_head(self) -> AuditEntry | None:
        """See the protocol."""
        return await self._reader.run(newest)

    async def write_down(
        self, subject: str, note: AuditNote, data: dict[str, object], at: datetime
    ) -> AuditEntry:
        """See the protocol."""
        return await self._writer.run(lambda db: _append(db, subject, note, data, at))


def _append(
    db: sqlite3.Connection, subject: str, note: AuditNote, data: dict[str, object], at: datetime
) -> AuditEntry:
    entry = AuditEntry.after(newest(db), note, at=at, subject=subject, data=data)
    append(db, entry)
    return entry


_COUNTED: dict[Per, tuple[str, Callable[[Send], tuple[str, ...]]]] = {
    Per.TARGET: ("scope = ? AND target = ? AND", lambda send: (send.scope, send.target)),
    Per.ACTION: ("action = ? AND", lambda send: (send.action,)),
    Per.SCOPE: ("scope = ? AND", lambda send: (send.scope,)),
    Per.ALL: ("", lambda _: ()),
}


def _reached(db: sqlite3.Connection, send: Send, limits: Sequence[Limit]) -> LimitReached | None:
    if db.execute("SELECT 1 FROM sends WHERE key = ?", (send.key,)).fetchone():
        return None
    for limit in limits:
        window = timedelta(seconds=limit.seconds)
        condition, values = _COUNTED[limit.per]
        running = "AND ended_at IS NULL" if limit.running else ""
        row = db.execute(
            f"SELECT at FROM sends WHERE {condition} at > ? {running}"  # noqa: S608 - constants
            " ORDER BY at DESC LIMIT 1 OFFSET ?",
            (*values(send), moment(send.at - window), limit.most - 1),
        ).fetchone()
        if row is not None:
            return LimitReached(limit=limit, until=datetime.fromisoformat(row[0]) + window)
    return None


def _holder(db: sqlite3.Connection, kind: str, key: str) -> str | None:
    row = db.execute("SELECT holder FROM claims WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return str(row[0]) if row else None


def _setting(db: sqlite3.Connection, name: str) -> StoredSetting | None:
    row = db.execute("SELECT version, body FROM settings WHERE name = ?", (name,)).fetchone()
    return StoredSetting(json.loads(row[1]), row[0]) if row else None
