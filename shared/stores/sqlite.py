"""The embedded default: one SQLite file, crash-safe.

One thread owns the writing connection and runs one transaction per call, so
that writers never meet; readers use a second connection and are not held up by
it (WAL). ``synchronous=FULL``: what was answered is on disk.
"""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from shared.domain.attempt import AttemptOutcome
from shared.domain.errors import NotFound, Unavailable, VersionConflict
from shared.domain.event import Event, OutboxItem
from shared.domain.limits import Limit, LimitReached, Per, Send
from shared.domain.ticket import Change, Ticket, checked
from shared.ports.settings import StoredSetting
from shared.ports.tickets import Decide, Errand, TicketPage, TicketQuery
from shared.stores import cursors

_SCHEMA_VERSION = 2
# What to run to reach each version from the one before.
_SCHEMA = {
    1: """
CREATE TABLE tickets (
  id TEXT PRIMARY KEY, body TEXT NOT NULL, created_at TEXT NOT NULL,
  status TEXT NOT NULL, severity TEXT NOT NULL, source TEXT NOT NULL, platform TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tickets_newest ON tickets (created_at DESC, id DESC);
CREATE TABLE events (
  ticket_id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (ticket_id, seq)
) WITHOUT ROWID;
CREATE TABLE outbox (
  position INTEGER PRIMARY KEY, ticket_id TEXT NOT NULL, item_id TEXT NOT NULL,
  body TEXT NOT NULL, UNIQUE (ticket_id, item_id)
);
CREATE TABLE claims (
  kind TEXT NOT NULL, key TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE settings (
  name TEXT PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
""",
    2: """
CREATE TABLE sends (
  key TEXT PRIMARY KEY, scope TEXT NOT NULL, target TEXT NOT NULL, action TEXT NOT NULL,
  at TEXT NOT NULL, ended_at TEXT, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sends_newest ON sends (at);
CREATE INDEX sends_of_target ON sends (scope, target, at);
CREATE INDEX sends_of_action ON sends (action, at);
CREATE INDEX sends_ended ON sends (scope, ended_at);
CREATE INDEX tickets_place ON tickets (
  json_extract(body, '$.resource.scope'), json_extract(body, '$.resource.name') COLLATE NOCASE
);
""",
}

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], _T]


class SqliteStore:
    """Implements :class:`~shared.ports.tickets.TicketStore`, ``ClaimStore`` and ``SettingsStore``.

    Args:
        path: The database file; made with its folder on first use.
    """

    def __init__(self, path: Path) -> None:
        self._writer = _Connection(path, "BEGIN IMMEDIATE")
        self._reader = _Connection(path, "BEGIN")
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
            if _load(db, change.ticket.id) is not None:
                return False
            _save(db, change)
            return True

        return await self._writer.run(work)

    async def get(self, ticket_id: str) -> Ticket:
        """See the protocol."""
        return await self._reader.run(lambda db: _must_load(db, ticket_id))

    async def find(self, ticket_id: str) -> Ticket | None:
        """See the protocol."""
        return await self._reader.run(lambda db: _load(db, ticket_id))

    async def update(self, ticket_id: str, decide: Decide) -> Ticket:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> Ticket:
            current = _must_load(db, ticket_id)
            change = decide(current)
            if change is None:
                return current
            _save(db, checked(current, change))
            return change.ticket

        return await self._writer.run(work)

    async def events(self, ticket_id: str, *, after: int = 0, limit: int = 200) -> list[Event]:
        """See the protocol."""

        def work(db: sqlite3.Connection) -> list[Event]:
            _must_load(db, ticket_id)
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
            sql, values = _where(query, after)
            rows = db.execute(
                f"SELECT body FROM tickets {sql} ORDER BY created_at DESC, id DESC LIMIT ?",  # noqa: S608 - built from constants
                (*values, query.limit + 1),
            ).fetchall()
            items = [Ticket.model_validate_json(body) for (body,) in rows[: query.limit]]
            more = len(rows) > query.limit
            cursor = (
                cursors.encode(query, _moment(items[-1].created_at), items[-1].id) if more else None
            )
            return TicketPage(tuple(items), cursor)

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

        return await self._reader.run(work)

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
            current = _must_load(db, ticket_id)
            change = decide(current)
            if change is None:
                return current, None
            reached = _reached(db, send, limits)
            if reached is not None:
                return current, reached
            _save(db, checked(current, change))
            db.execute(
                "INSERT OR IGNORE INTO sends VALUES (?, ?, ?, ?, ?, NULL, ?)",
                (
                    send.key,
                    send.scope,
                    send.target,
                    send.action,
                    _moment(send.at),
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
                (_moment(at), over.model_dump_json(), key),
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
                (_moment(since), scope),
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
        return await self._reader.run(lambda db: _holder(db, kind, key))

    # SettingsStore

    async def read(self, name: str) -> StoredSetting | None:
        """See the protocol."""
        return await self._reader.run(lambda db: _setting(db, name))

    async def write(
        self, name: str, value: dict[str, object], *, expected_version: int | None = None
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
            return StoredSetting(value, version + 1)

        return await self._writer.run(work)


class _Connection:
    """One SQLite connection on a thread of its own; each call is one transaction.

    Args:
        begin: ``BEGIN IMMEDIATE`` takes the write lock up front, so that what was
            read is still true when it is written.
    """

    def __init__(self, path: Path, begin: str) -> None:
        self._path = path
        self._begin = begin
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mend-store")
        self._db: sqlite3.Connection | None = None

    async def run(self, work: _Work[_T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _work(self, work: _Work[_T]) -> _T:
        try:
            if self._db is None:
                self._db = _opened(self._path)
            with self._db:  # commits, or rolls back when anything is raised
                self._db.execute(self._begin)
                return work(self._db)
        except sqlite3.Error as error:
            raise Unavailable(f"the store at {self._path} cannot work: {error}") from error

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Ten seconds ride out another connection's checkpoint on a slow disk.
    db = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for step in range(version + 1, _SCHEMA_VERSION + 1):
        for statement in _SCHEMA[step].split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {step}")
    db.execute("COMMIT")
    if version > _SCHEMA_VERSION:
        db.close()
        raise Unavailable(
            f"the store at {path} was written by a newer release (schema {version}); "
            "start that release, or choose another data folder"
        )
    return db


def _load(db: sqlite3.Connection, ticket_id: str) -> Ticket | None:
    row = db.execute("SELECT body FROM tickets WHERE id = ?", (ticket_id,)).fetchone()
    return Ticket.model_validate_json(row[0]) if row else None


def _must_load(db: sqlite3.Connection, ticket_id: str) -> Ticket:
    ticket = _load(db, ticket_id)
    if ticket is None:
        raise NotFound(f"there is no ticket {ticket_id!r}")
    return ticket


def _save(db: sqlite3.Connection, change: Change) -> None:
    ticket = change.ticket
    db.execute(
        "INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            ticket.id,
            ticket.model_dump_json(),
            _moment(ticket.created_at),
            ticket.status,
            ticket.severity,
            ticket.source,
            ticket.platform,
        ),
    )
    db.executemany(
        "INSERT INTO events VALUES (?, ?, ?)",
        [(ticket.id, event.seq, event.model_dump_json()) for event in change.events],
    )
    db.executemany(
        "INSERT OR IGNORE INTO outbox (ticket_id, item_id, body) VALUES (?, ?, ?)",
        [(ticket.id, item.id, item.model_dump_json()) for item in change.outbox],
    )


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
            (*values(send), _moment(send.at - window), limit.most - 1),
        ).fetchone()
        if row is not None:
            return LimitReached(limit=limit, until=datetime.fromisoformat(row[0]) + window)
    return None


def _where(query: TicketQuery, after: tuple[str, str] | None) -> tuple[str, list[str]]:
    parts: list[str] = []
    values: list[str] = []
    for column in ("status", "severity", "source", "platform"):
        wanted: tuple[str, ...] = getattr(query, column)
        if wanted:
            parts.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    if after is not None:
        parts.append("(created_at, id) < (?, ?)")
        values += after
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def _holder(db: sqlite3.Connection, kind: str, key: str) -> str | None:
    row = db.execute("SELECT holder FROM claims WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return str(row[0]) if row else None


def _setting(db: sqlite3.Connection, name: str) -> StoredSetting | None:
    row = db.execute("SELECT version, body FROM settings WHERE name = ?", (name,)).fetchone()
    return StoredSetting(json.loads(row[1]), row[0]) if row else None


def _moment(at: datetime) -> str:
    # Fixed width, so that text order is time order.
    return at.isoformat(timespec="microseconds")
