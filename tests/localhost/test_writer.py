"""The writer thread: groups of operations, each of them all or nothing."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from localhost.durable import schema
from localhost.durable.writer import HubBroken, HubUnavailable, Writer


def opened(path: Path) -> sqlite3.Connection:
    """Return a connection to a file with one table."""
    connection = schema.connect(path)
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, pad TEXT)")
    return connection


def insert(number: int, pad: str = "") -> Callable[[sqlite3.Connection], int]:
    """Return an operation that inserts one row and returns its number."""

    def operation(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?, ?)", (number, pad))
        return number

    return operation


class Bench:
    """A writer on a fresh file, and a second connection that sees what is committed."""

    def __init__(self, path: Path) -> None:
        self.connection = opened(path)
        self.broken: list[BaseException] = []
        self.writer = Writer(self.connection, self.broken.append)
        self.reader = sqlite3.connect(path)

    def numbers(self) -> list[int]:
        """Return what is committed."""
        return [row[0] for row in self.reader.execute("SELECT n FROM t ORDER BY n")]

    async def close(self) -> None:
        """Close everything."""
        await self.writer.close()
        self.reader.close()
        self.connection.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A writer on a fresh file."""
    bench = Bench(tmp_path / "w.db")
    yield bench
    await bench.close()


async def test_an_operation_is_answered_after_its_commit(bench: Bench) -> None:
    """Whoever gets the answer finds the row on another connection."""
    assert await bench.writer.submit(insert(1)) == 1

    assert bench.numbers() == [1]


async def test_operations_that_wait_share_a_commit(bench: Bench) -> None:
    """One fsync for all that came while the one before ran."""
    busy, go_on = threading.Event(), threading.Event()

    def block(_connection: sqlite3.Connection) -> None:
        busy.set()
        assert go_on.wait(10)

    first = bench.writer.submit(block)
    assert await asyncio.to_thread(busy.wait, 10)
    others = [bench.writer.submit(insert(n)) for n in range(100)]
    go_on.set()
    await asyncio.gather(first, *others)

    assert bench.writer.commits == 2
    assert len(bench.numbers()) == 100


async def test_a_failing_operation_is_rolled_back_alone(bench: Bench) -> None:
    """Its neighbours in the same commit stay."""

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (2, '')")
        raise ValueError("no")

    results = await asyncio.gather(
        bench.writer.submit(insert(1)),
        bench.writer.submit(fail),
        bench.writer.submit(insert(1)),
        bench.writer.submit(insert(3)),
        return_exceptions=True,
    )

    assert results[0] == 1
    assert isinstance(results[1], ValueError)
    assert isinstance(results[2], sqlite3.IntegrityError)
    assert bench.numbers() == [1, 3]


async def test_a_full_disk_fails_the_whole_commit_and_passes(bench: Bench) -> None:
    """Nothing of it is stored; when there is room again, writing goes on."""
    await bench.writer.submit(insert(1))
    pages = bench.reader.execute("PRAGMA page_count").fetchone()[0]

    await bench.writer.submit(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    with pytest.raises(HubUnavailable):
        await bench.writer.submit(insert(2, "x" * 100_000))
    assert not bench.writer.available
    assert bench.numbers() == [1]

    await bench.writer.submit(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    await bench.writer.submit(insert(3, "x" * 100_000))

    assert bench.writer.available
    assert bench.numbers() == [1, 3]
    assert bench.broken == []


async def test_a_dead_writer_fails_everyone_and_says_so(bench: Bench) -> None:
    """Nobody waits for ever for a thread that is gone."""
    busy, go_on = threading.Event(), threading.Event()

    def break_it(connection: sqlite3.Connection) -> None:
        busy.set()
        assert go_on.wait(10)
        connection.execute("SELECT * FROM no_such_table")

    first = bench.writer.submit(break_it)
    assert await asyncio.to_thread(busy.wait, 10)
    waiting = bench.writer.submit(insert(1))
    go_on.set()
    results = await asyncio.gather(first, waiting, return_exceptions=True)
    late = await asyncio.gather(bench.writer.submit(insert(2)), return_exceptions=True)

    assert [type(one) for one in (*results, *late)] == [HubBroken, HubBroken, HubBroken]
    assert len(bench.broken) == 1
    assert bench.numbers() == []


async def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    """No operation that was accepted is forgotten."""
    bench = Bench(tmp_path / "w.db")
    futures = [bench.writer.submit(insert(n)) for n in range(1000)]

    await bench.writer.close()

    assert len(bench.numbers()) == 1000
    assert [await one for one in futures] == list(range(1000))
    await bench.close()
