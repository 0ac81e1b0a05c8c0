"""Reading from several threads, and closing while they read."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhost.durable import schema
from localhost.durable.readers import Readers
from localhost.durable.writer import HubBroken


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[Readers]:
    """Readers of an empty hub."""
    schema.open_hub(tmp_path / "hub.db").close()
    readers = Readers(tmp_path / "hub.db")
    yield readers
    readers.close()


def count(connection: sqlite3.Connection) -> int:
    """Ask something."""
    return int(connection.execute("SELECT COUNT(*) FROM instances").fetchone()[0])


def test_closing_waits_for_a_question_under_way(readers: Readers) -> None:
    """SQLite crashes the process when a connection is closed under a reader."""
    asked, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    answers: list[int] = []

    def slow(connection: sqlite3.Connection) -> int:
        asked.set()
        assert go_on.wait(10)
        return count(connection)

    def close() -> None:
        readers.close()
        closed.set()

    reading = threading.Thread(target=lambda: answers.append(readers.ask(slow)))
    reading.start()
    assert asked.wait(10)
    closing = threading.Thread(target=close)
    closing.start()
    assert not closed.wait(0.1)
    go_on.set()
    reading.join(10)
    closing.join(10)

    assert answers == [0]
    assert closed.is_set()


def test_nobody_is_answered_after_the_end(readers: Readers) -> None:
    """Neither a thread that asked before nor a new one."""
    assert readers.ask(count) == 0
    readers.close()
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            readers.ask(count)
        except HubBroken as error:
            failures.append(error)

    ask()
    other = threading.Thread(target=ask)
    other.start()
    other.join(10)

    assert len(failures) == 2


def test_readers_cannot_write(readers: Readers) -> None:
    """Writing is the writer's."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        readers.ask(lambda c: c.execute("DELETE FROM instances"))
