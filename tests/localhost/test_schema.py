"""Opening a hub: only whole files of a known age."""

import sqlite3
from pathlib import Path

import pytest

from localhost.durable import schema
from localhost.durable.schema import MIGRATIONS, UnusableHub


def prepared(path: Path) -> sqlite3.Connection:
    """Open a hub as the host does."""
    return schema.open_hub(path)


def test_commits_are_on_disk(tmp_path: Path) -> None:
    """WAL with an fsync per commit."""
    connection = prepared(tmp_path / "hub.db")

    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    connection.close()


@pytest.mark.parametrize("age", range(len(MIGRATIONS)))
def test_older_files_are_brought_up_to_date(tmp_path: Path, age: int) -> None:
    """A file of any released age has today's tables after opening, and keeps its rows."""
    path = tmp_path / "hub.db"
    old = schema.connect(path)
    for statements in MIGRATIONS[:age]:
        for statement in statements:
            old.execute(statement)
    old.execute(f"PRAGMA user_version = {age}")
    if age:
        old.execute("INSERT INTO timers VALUES ('nightly', '0 0 0 * * *', 1, 2)")
    old.close()

    connection = prepared(path)

    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    assert connection.execute("SELECT COUNT(*) FROM timers").fetchone()[0] == (1 if age else 0)
    fresh = prepared(tmp_path / "fresh.db")
    tables = "SELECT sql FROM sqlite_master ORDER BY name"
    assert connection.execute(tables).fetchall() == fresh.execute(tables).fetchall()
    connection.close()
    fresh.close()


def test_a_file_of_the_future_is_refused(tmp_path: Path) -> None:
    """An older host must not write into tables it does not know."""
    path = tmp_path / "hub.db"
    connection = prepared(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

    with pytest.raises(UnusableHub, match="newer version"):
        schema.prepare(connection, path)
    connection.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The message says what to do."""
    path = tmp_path / "hub.db"
    path.write_bytes(b"this is not a database, but it is long enough to look like one" * 20)

    with pytest.raises(UnusableHub, match="Move the file away"):
        prepared(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Pages overwritten with rubbish are found before anything runs on them."""
    path = tmp_path / "hub.db"
    connection = prepared(path)
    connection.executemany(
        "INSERT INTO history VALUES (?, 0, ?)", [(f"i{n}", "x" * 500) for n in range(500)]
    )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xff" * 8192
    path.write_bytes(bytes(content))

    with pytest.raises(UnusableHub, match="Move the file away"):
        prepared(path)
