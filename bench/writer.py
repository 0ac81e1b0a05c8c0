"""Commits per second of the hub's writer, beside SQLite itself on the same disk.

Both insert the same row into a table of their own, in WAL with ``synchronous=FULL``: once
with one insert per commit and one caller at a time, once with many callers waiting, whom
the writer serves together and SQLite in one transaction of that size. A disk's mood
changes within seconds, so the two take turns in short slices.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from bench.figure import Figure, ratios
from bench.setting import Setting
from localhost.durable import schema
from localhost.durable.writer import Writer

_WAITING = 256  # as many as the writer takes into one commit
_SLICES = 10
_ROW = ("x" * 200,)
_TABLE = "CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT NOT NULL)"
_INSERT = "INSERT INTO rows (text) VALUES (?)"

# From commits and inserts per commit to the seconds they took.
_Side = Callable[[int, int], float]


def run(setting: Setting) -> Iterator[Figure]:
    """Measure both, turn by turn."""
    alone, together = setting.either(100, 500), setting.either(20, 60)
    rates: dict[int, tuple[list[float], list[float]]] = {1: ([], []), _WAITING: ([], [])}
    for repetition in range(setting.either(3, 5)):
        folder = setting.make_folder(str(repetition))
        with _Hub(folder / "hub.db") as hub, _Sqlite(folder / "sqlite.db") as sqlite:
            for inserts, commits in ((1, alone), (_WAITING, together)):
                found = _compare((hub.write, sqlite.write), commits, inserts)
                for kept, rate in zip(rates[inserts], found, strict=True):
                    kept.append(rate)
        setting.say(f"{repetition + 1}: {rates[1][0][-1]:.0f} commits per second")
    ours, theirs = rates[1]
    yield Figure("writer.commits", "1/s", ours, "one caller at a time, an insert each")
    yield Figure("writer.commits_of_sqlite", "1/s", theirs, "the same without our code")
    yield Figure(
        "writer.share_of_sqlite",
        "share",
        ratios(ours, theirs),
        "commits of the writer over SQLite's own; the rest is two changes of thread",
    )
    ours, theirs = rates[_WAITING]
    yield Figure("writer.writes_together", "1/s", ours, f"{_WAITING} callers waiting")
    yield Figure(
        "writer.writes_together_share_of_sqlite",
        "share",
        ratios(ours, theirs),
        f"over SQLite with {_WAITING} inserts per transaction and no savepoints",
    )


def _compare(sides: Sequence[_Side], commits: int, inserts: int) -> list[float]:
    """Return inserts per second of each side."""
    seconds = [0.0] * len(sides)
    for turn in range(_SLICES):
        for place in range(len(sides)):
            side = (place + turn) % len(sides)
            seconds[side] += sides[side](max(1, commits // _SLICES), inserts)
    written = _SLICES * max(1, commits // _SLICES) * inserts
    return [written / one for one in seconds]


class _Sqlite:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> Self:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(_TABLE)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def write(self, commits: int, inserts: int) -> float:
        begun = time.perf_counter()
        for _ in range(commits):
            self._connection.execute("BEGIN IMMEDIATE")
            for _ in range(inserts):
                self._connection.execute(_INSERT, _ROW)
            self._connection.execute("COMMIT")
        return time.perf_counter() - begun


class _Hub:
    def __init__(self, path: Path) -> None:
        self._connection = schema.connect(path)
        self._connection.execute(_TABLE)
        self._broken: list[BaseException] = []
        self._writer = Writer(self._connection, self._broken.append)
        self._expected = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run(self._writer.close())
        found = self._connection.execute("SELECT COUNT(*) FROM rows").fetchone()[0]
        self._connection.close()
        if self._broken or found != self._expected:
            raise RuntimeError(f"{found} of {self._expected} rows were written: {self._broken}")

    def write(self, commits: int, inserts: int) -> float:
        return asyncio.run(self._write(commits, inserts))

    async def _write(self, rounds: int, callers: int) -> float:
        self._expected += rounds * callers

        async def caller() -> None:
            for _ in range(rounds):
                await self._writer.submit(lambda hub: hub.execute(_INSERT, _ROW))

        begun = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return time.perf_counter() - begun
