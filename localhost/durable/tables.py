"""SQL of the hub: rows in and out. No state, no clock; each takes a connection."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from localhost.durable.events import Status
from localhost.durable.history import History
from localhost.durable.records import Instance, Message, Parent

INSTANCE = (
    "SELECT id, execution_id, name, version, status, input, output, custom_status, created_us,"
    " updated_us, completed_us, parent_id, parent_execution_id, parent_task_id, deaths"
    " FROM instances"
)


@dataclass(frozen=True, slots=True)
class Query:
    """Which instances; times are microseconds since 1970, both ends included."""

    created_from_us: int | None = None
    created_to_us: int | None = None
    statuses: frozenset[Status] = frozenset()
    id_prefix: str = ""
    after_id: str | None = None
    limit: int | None = None


def to_instance(row: tuple[Any, ...]) -> Instance:
    """Return the instance of a row that :data:`INSTANCE` selected."""
    parent = None if row[11] is None else Parent(row[11], row[12], row[13])
    return Instance(
        instance_id=row[0],
        execution_id=row[1],
        name=row[2],
        version=row[3],
        status=Status(row[4]),
        input_text=row[5],
        output=row[6],
        custom_status=row[7],
        created_us=row[8],
        updated_us=row[9],
        completed_us=row[10],
        parent=parent,
        deaths=row[14],
    )


def find_instance(connection: sqlite3.Connection, instance_id: str) -> Instance | None:
    """Return one instance, or None."""
    row = connection.execute(f"{INSTANCE} WHERE id = ?", (instance_id,)).fetchone()
    return None if row is None else to_instance(row)


def read_history(connection: sqlite3.Connection, instance_id: str) -> History:
    """Return the stored history; empty when there is none."""
    rows = connection.execute(
        "SELECT event FROM history WHERE instance_id = ? ORDER BY seq", (instance_id,)
    )
    return History.from_texts([row[0] for row in rows])


def due_messages(connection: sqlite3.Connection, instance_id: str, now_us: int) -> list[Message]:
    """Return due messages in the order they became readable: a timer at its due time."""
    rows = connection.execute(
        "SELECT seq, execution_id, event FROM inbox WHERE instance_id = ? AND due_us <= ?"
        " ORDER BY MAX(due_us, arrived_us), seq",
        (instance_id, now_us),
    )
    return [Message(row[0], row[1], json.loads(row[2]), row[2]) for row in rows]


def append_history(
    connection: sqlite3.Connection, instance_id: str, history: History, stored: int
) -> None:
    """Insert the events after the first ``stored`` ones."""
    connection.executemany(
        "INSERT INTO history (instance_id, seq, event) VALUES (?, ?, ?)",
        [(instance_id, seq, text) for seq, text in enumerate(history.texts[stored:], start=stored)],
    )


def delete_messages(connection: sqlite3.Connection, seqs: list[int]) -> None:
    """Delete rows of the inbox."""
    connection.executemany("DELETE FROM inbox WHERE seq = ?", [(seq,) for seq in seqs])


def purge(connection: sqlite3.Connection, instance_id: str) -> int:
    """Delete everything that belongs to an instance; return 1 if it existed, else 0."""
    gone = connection.execute("DELETE FROM instances WHERE id = ?", (instance_id,)).rowcount
    for table in ("history", "inbox", "tasks"):
        connection.execute(
            f"DELETE FROM {table} WHERE instance_id = ?",  # noqa: S608  a fixed list
            (instance_id,),
        )
    return gone


def where(query: Query) -> tuple[str, list[object]]:
    """Return the WHERE clause of ``query`` (empty for all) and its values."""
    parts: list[str] = []
    values: list[object] = []
    if query.created_from_us is not None:
        parts.append("created_us >= ?")
        values.append(query.created_from_us)
    if query.created_to_us is not None:
        parts.append("created_us <= ?")
        values.append(query.created_to_us)
    if query.statuses:
        parts.append(f"status IN ({', '.join('?' * len(query.statuses))})")
        values.extend(sorted(query.statuses))
    if query.id_prefix:
        parts.append("substr(id, 1, ?) = ?")
        values.extend((len(query.id_prefix), query.id_prefix))
    if query.after_id is not None:
        parts.append("id > ?")
        values.append(query.after_id)
    return (" WHERE " + " AND ".join(parts) if parts else ""), values
