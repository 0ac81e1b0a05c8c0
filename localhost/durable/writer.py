"""One thread that writes: many operations per commit, one savepoint per operation.

With ``synchronous=FULL`` a commit costs an fsync; whoever waits while one runs is
served by the next, all together. An operation is a function of the connection. It
either happens completely or not at all, and its caller hears of it only after COMMIT.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

# Enough to make the fsync cheap, few enough to answer the first caller soon.
_MAX_BATCH = 256

# Primary result codes after which the same write may succeed later.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}

# The operation was wrong, the database is fine.
_CALLERS_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)


class HubUnavailable(Exception):
    """Nothing can be written now (disk full, I/O error). Nothing happened; try later."""


class HubBroken(Exception):
    """The writer is gone for good; the process has to end."""


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


_Settled = tuple[_Job, object, BaseException | None]


class Writer:
    """Runs operations in order on its own thread.

    Args:
        connection: Used by the thread only, from now on. Autocommit mode.
        on_broken: Called on the event loop when the writer dies. Everyone waiting has
            been told by then.
    """

    def __init__(
        self, connection: sqlite3.Connection, on_broken: Callable[[BaseException], None]
    ) -> None:
        self._connection = connection
        self._on_broken = on_broken
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._broken: BaseException | None = None
        self.available = True
        self.commits = 0
        self._thread = threading.Thread(target=self._work, name="hub-writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """Queue ``operation``; the future is settled after its commit.

        Raises (through the future):
            HubUnavailable: the whole commit failed, nothing happened.
            HubBroken: the writer is dead.
            Exception: whatever ``operation`` raised; it alone was rolled back.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._broken is not None:
            future.set_exception(HubBroken(str(self._broken)))
        else:
            self._jobs.put(_Job(operation, future, loop))
        return future

    async def close(self) -> None:
        """Write what is queued, then end the thread. The connection stays open."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        batch: list[_Job] = []
        try:
            while True:
                batch, last = self._take()
                if batch:
                    self._settle(self._write(batch))
                if last:
                    return
        except BaseException as error:
            log.critical("the hub's writer died", exc_info=True)
            self._die(batch, error)
            if not isinstance(error, Exception):
                raise

    def _take(self) -> tuple[list[_Job], bool]:
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == _MAX_BATCH:
                return batch, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, batch: list[_Job]) -> list[_Settled]:
        """Commit ``batch``; a passing error of the database fails all of it."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            settled = [self._run(job) for job in batch]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if not _is_passing(error):
                raise
            if self.available:
                log.exception("the hub cannot be written")
            self.available = False
            unavailable = HubUnavailable(f"the hub cannot be written: {error}")
            return [(job, None, unavailable) for job in batch]
        self.available = True
        self.commits += 1
        return settled

    def _run(self, job: _Job) -> _Settled:
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            result = job.operation(connection)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, _CALLERS_FAULT):
                raise  # the disk, not the caller: nothing of this commit may count
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            return job, None, error
        connection.execute("RELEASE job")
        return job, result, None

    def _settle(self, settled: list[_Settled]) -> None:
        """Tell all callers of one commit with one call into each loop."""
        loops = {job.loop for job, _, _ in settled}
        for loop in loops:
            mine = [item for item in settled if item[0].loop is loop]
            _on_loop(loop, partial(_resolve, mine))

    def _die(self, batch: list[_Job], error: BaseException) -> None:
        self._broken = error
        self.available = False
        waiting = list(batch)
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is not None:
                waiting.append(job)
        # The host hears of it before its callers do, so that none of them is answered as usual.
        for loop in {job.loop for job in waiting}:
            _on_loop(loop, lambda: self._on_broken(error))
        self._settle([(job, None, HubBroken(str(error))) for job in waiting])


def _is_passing(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in _PASSING


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        log.debug("a loop is closed, its callers are gone")


def _resolve(settled: list[_Settled]) -> None:
    for job, result, error in settled:
        if job.future.done():
            continue
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
