"""Tables of the hub and how an older file becomes a newer one.

``PRAGMA user_version`` says how many of :data:`MIGRATIONS` a file has been through.
To change the tables append a migration; never edit one that was released.
Times are microseconds since 1970 (``_us``); events are JSON text.
"""

import sqlite3
from pathlib import Path

_FIRST = (
    """
    CREATE TABLE instances (
      id TEXT PRIMARY KEY,
      execution_id TEXT NOT NULL,          -- changes with continue_as_new
      name TEXT NOT NULL,
      version TEXT,
      status TEXT NOT NULL,
      input TEXT,                          -- JSON text, as are output and custom_status
      output TEXT,                         -- plain text when failed or terminated
      custom_status TEXT,
      created_us INTEGER NOT NULL,
      updated_us INTEGER NOT NULL,
      completed_us INTEGER,
      parent_id TEXT,
      parent_execution_id TEXT,
      parent_task_id INTEGER,
      deaths INTEGER NOT NULL DEFAULT 0    -- process deaths while its episode ran
    )
    """,
    "CREATE INDEX instances_by_time ON instances (created_us)",
    # Child tables are small keys around one JSON text: clustered, read in order.
    """
    CREATE TABLE history (
      instance_id TEXT NOT NULL,
      seq INTEGER NOT NULL,
      event TEXT NOT NULL,
      PRIMARY KEY (instance_id, seq)
    ) WITHOUT ROWID
    """,
    # Messages and timers. due_us 0 means: deliver now, whatever the clock says.
    """
    CREATE TABLE inbox (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      instance_id TEXT NOT NULL,
      execution_id TEXT,                   -- NULL: for whichever generation runs
      event TEXT NOT NULL,
      due_us INTEGER NOT NULL DEFAULT 0,
      arrived_us INTEGER NOT NULL
    )
    """,
    "CREATE INDEX inbox_by_instance ON inbox (instance_id, due_us)",
    "CREATE INDEX inbox_by_due ON inbox (due_us)",
    """
    CREATE TABLE tasks (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      instance_id TEXT NOT NULL,
      execution_id TEXT NOT NULL,
      task_id INTEGER NOT NULL,
      name TEXT NOT NULL,
      input TEXT,
      starts INTEGER NOT NULL DEFAULT 0    -- how often it was begun after a crash and not ended
    )
    """,
    "CREATE INDEX tasks_by_instance ON tasks (instance_id)",
    """
    CREATE TABLE entities (
      id TEXT PRIMARY KEY,                 -- @name@key
      state TEXT,                          -- JSON text
      updated_us INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE timers (
      name TEXT PRIMARY KEY,               -- of the timer-triggered function
      schedule TEXT NOT NULL,
      last_us INTEGER,
      next_us INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)

_SECOND = (
    # One row that a health check may write to see whether the disk takes writes again.
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND)


_WAY_OUT = "Move the file away to start empty."


class UnusableHub(Exception):
    """The file cannot serve as a hub; the message says why and what to do."""


def connect(path: Path) -> sqlite3.Connection:
    """Open ``path`` for writing: WAL, every commit on disk before it is answered.

    Raises:
        UnusableHub: it is no database.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UnusableHub(f"{path}: {error}. {_WAY_OUT}") from error
    return connection


def open_hub(path: Path) -> sqlite3.Connection:
    """Return a connection to a hub that is whole and of today's age.

    Raises:
        UnusableHub: it is damaged, no database, or made by a newer version.
    """
    connection = connect(path)
    try:
        prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the file is whole and bring its tables up to date.

    Raises:
        UnusableHub: it is damaged, no database, or made by a newer version.
    """
    try:
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise UnusableHub(f"{path}: {error}. {_WAY_OUT}") from error
    if verdict != "ok":
        raise UnusableHub(f"{path} is damaged: {verdict}. {_WAY_OUT}")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise UnusableHub(
            f"{path} was made by a newer version (schema {version}, this one knows "
            f"{len(MIGRATIONS)})."
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
