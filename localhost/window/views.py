"""What the window shows: questions to the hub, answered as plain JSON values."""

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from localhost.durable.events import EVENT_NAMES, EventType

_COLUMNS = (
    "id, name, status, custom_status, created_us, updated_us, "
    "(SELECT count(*) FROM history WHERE instance_id = id), "
    "(SELECT count(*) FROM tasks WHERE instance_id = id), "
    "(SELECT count(*) FROM inbox WHERE instance_id = id AND due_us > 0)"
)
_TEXT_LIMIT = 4_000


def summary(connection: sqlite3.Connection) -> dict[str, object]:
    """Return how many instances are in each status, and what is open in all."""
    statuses = dict(connection.execute("SELECT status, count(*) FROM instances GROUP BY status"))
    return {
        "statuses": statuses,
        "open_tasks": _count(connection, "SELECT count(*) FROM tasks"),
        "timers": _count(connection, "SELECT count(*) FROM inbox WHERE due_us > 0"),
        "messages": _count(connection, "SELECT count(*) FROM inbox WHERE due_us = 0"),
    }


def instances(
    connection: sqlite3.Connection, *, status: str, text: str, limit: int, offset: int
) -> list[dict[str, object]]:
    """Return instances, the last changed first.

    Args:
        status: Only these; empty means all.
        text: Part of the id or the name; empty means all.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM instances "  # noqa: S608 - built from constants
        "WHERE (?1 = '' OR status = ?1) "
        "AND (?2 = '' OR instr(lower(id), lower(?2)) OR instr(lower(name), lower(?2))) "
        "ORDER BY updated_us DESC, id LIMIT ?3 OFFSET ?4",
        (status, text, limit, offset),
    )
    return [_row(row) for row in rows]


def instance(connection: sqlite3.Connection, instance_id: str) -> dict[str, object] | None:
    """Return one instance with its history and what is open, or None."""
    row = connection.execute(
        f"SELECT {_COLUMNS}, input, output FROM instances WHERE id = ?",  # noqa: S608 - as above
        (instance_id,),
    ).fetchone()
    if row is None:
        return None
    history = connection.execute(
        "SELECT seq, event FROM history WHERE instance_id = ? ORDER BY seq", (instance_id,)
    )
    tasks = connection.execute(
        "SELECT name, input, starts FROM tasks WHERE instance_id = ? ORDER BY seq", (instance_id,)
    )
    timers = connection.execute(
        "SELECT due_us, event FROM inbox WHERE instance_id = ? ORDER BY due_us", (instance_id,)
    )
    return {
        **_row(row[:9]),
        "input": _cut(row[9]),
        "output": _cut(row[10]),
        "history": [_event(seq, json.loads(text)) for seq, text in history],
        "open_tasks": [
            {"name": name, "input": _cut(text), "starts": starts} for name, text, starts in tasks
        ],
        "waiting": [
            {"due": _time(due) if due else None, "event": _name(json.loads(text))}
            for due, text in timers
        ],
    }


def _row(row: tuple[Any, ...]) -> dict[str, object]:
    identity, name, status, custom, created, updated, history, tasks, timers = row
    return {
        "id": identity,
        "name": name,
        "status": status,
        "custom_status": _cut(custom),
        "created": _time(created),
        "updated": _time(updated),
        "history_length": history,
        "open_tasks_count": tasks,
        "timers_count": timers,
    }


def _event(seq: int, event: dict[str, Any]) -> dict[str, object]:
    known = {"EventType", "EventId", "IsPlayed", "Timestamp", "Name", "Correlation", "Tags"}
    details = {
        key: value for key, value in event.items() if key not in known and value not in (None, "")
    }
    return {
        "seq": seq,
        "type": _name(event),
        "at": event.get("Timestamp"),
        "name": event.get("Name") or "",
        "id": event.get("EventId", -1),
        "details": _cut(json.dumps(details, ensure_ascii=False)) if details else "",
    }


def _name(event: dict[str, Any]) -> str:
    return EVENT_NAMES.get(EventType(event["EventType"]), str(event["EventType"]))


def _count(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= _TEXT_LIMIT:
        return text
    return f"{text[:_TEXT_LIMIT]}… ({len(text)} characters)"


def _time(us: int) -> str:
    return datetime.fromtimestamp(us / 1_000_000, UTC).isoformat(timespec="milliseconds")
