"""The chain as a DBOS workflow of five steps, kept in SQLite.

``python -m bench.engines.dbos_sqlite FILE JOURNAL_MODE``, in an environment that has
requirements-bench.txt. ``delete`` is how DBOS makes its file; with ``wal`` it is several
times as quick and as durable as our own hub (``synchronous`` is FULL in both). Workflow
and steps are coroutines, which is the quicker of DBOS's two ways.
"""

import asyncio
import sqlite3
import sys
from importlib.metadata import version

from dbos import DBOS  # type: ignore[import-not-found]

from bench.engines import payload
from bench.engines.timing import Timing
from bench.serve import Answer, serve_async


async def _step(value: payload.Value) -> payload.Value:
    return payload.advance(value)


async def _chain(value: payload.Value) -> payload.Value:
    for _ in range(payload.STEPS):
        value = await step(value)
    return value


step = DBOS.step(name="step")(_step)
chain = DBOS.workflow(name="chain")(_chain)


class _Chains:
    def __init__(self, file: str) -> None:
        self._file = file

    async def about(self) -> Answer:
        with sqlite3.connect(self._file) as connection:
            journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        connection.close()
        durability = f"SQLite, {journal}, synchronous=FULL: on disk after every step"
        return {"durability": durability, "version": version("dbos")}

    async def one_at_a_time(self, count: int) -> Answer:
        with Timing() as timing:
            for _ in range(count):
                payload.check(await chain(payload.first()))
        return timing.answer()

    async def all_at_once(self, count: int) -> Answer:
        with Timing() as timing:
            for value in await asyncio.gather(*(chain(payload.first()) for _ in range(count))):
                payload.check(value)
        return timing.answer()


async def main(file: str, journal_mode: str) -> None:
    """Serve until the parent is done."""
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute("PRAGMA user_version = 1")  # writes the file, with its journal mode
    connection.close()
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{file}",
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    try:
        chains = _Chains(file)
        await serve_async(
            {
                "about": chains.about,
                "one_at_a_time": chains.one_at_a_time,
                "all_at_once": chains.all_at_once,
            }
        )
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
