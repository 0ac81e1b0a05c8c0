"""SQLite connections on threads of their own.

One thread owns the writing connection, so that writers never meet. What is asked for while
it commits waits and then shares one commit: a disk can only be waited for so often in a
second. Readers use a second connection and are not held up by it (WAL).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread, local
from typing import Any, TypeVar

from shared.domain.errors import Unavailable
from shared.stores.sqlite.schema import bring_up_to_date

_MAX_IN_ONE_COMMIT = 100

_T = TypeVar("_T")
Work = Callable[[sqlite3.Connection], _T]


class Reader:
    """Runs each call in a transaction of its own, which sees one state of the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mend-store-read")
        self._db: sqlite3.Connection | None = None
        self._here = local()
        self._all: list[sqlite3.Connection] = []

    async def run(self, work: Work[_T]) -> _T:
        """Return what ``work`` does.

        Raises:
            Unavailable: the file cannot be read now.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    def look_up(self, work: Work[_T]) -> _T:
        """Return what ``work`` does, at once and on this thread: for a few rows by their key.

        A look into the page cache costs less than telling another thread to take it.

        Raises:
            Unavailable: the file cannot be read now.
        """
        try:
            db: sqlite3.Connection | None = getattr(self._here, "db", None)
            if db is None:
                db = self._here.db = opened(self._path)
                self._all.append(db)
            return work(db)
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) from error

    async def close(self) -> None:
        """Finish what is running and release the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()
        self._here = local()
        for db in self._all:
            db.close()
        self._all.clear()

    def _work(self, work: Work[_T]) -> _T:
        try:
            if self._db is None:
                self._db = opened(self._path)
            with self._db:  # ends the transaction, whatever is raised
                self._db.execute("BEGIN")
                return work(self._db)
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) from error

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    done: "Future[Any]" = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Runs calls one after another; what a call returns is on disk by then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._db: sqlite3.Connection | None = None

    async def run(self, work: Work[_T]) -> _T:
        """Return what ``work`` does; when it raises, nothing of it is stored.

        Raises:
            Unavailable: the file cannot be written now.
        """
        if self._thread is None:
            self._thread = Thread(target=self._run, name="mend-store-write", daemon=True)
            self._thread.start()
        job = _Job(work)
        self._jobs.put(job)
        result: _T = await asyncio.wrap_future(job.done)
        return result

    async def close(self) -> None:
        """Finish what is asked for and release the file."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None

    def _run(self) -> None:
        going_on = True
        while going_on:
            jobs, going_on = self._waiting()
            # Whoever has given up meanwhile gets nothing done any more.
            wanted = [job for job in jobs if job.done.set_running_or_notify_cancel()]
            self._commit(wanted)
            for job in wanted:
                if job.error is not None:
                    job.done.set_exception(job.error)
                else:
                    job.done.set_result(job.result)
        if self._db is not None:
            self._db.close()
            self._db = None

    def _waiting(self) -> tuple[list[_Job], bool]:
        """Return what is asked for by now, at least one thing; ``False``: no more comes."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == _MAX_IN_ONE_COMMIT:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            if self._db is None:
                self._db = opened(self._path)
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for job in jobs:
                    _attempt(job, self._db)
        except sqlite3.Error as error:
            for job in jobs:
                job.error = _unavailable(self._path, error)


def _attempt(job: _Job, db: sqlite3.Connection) -> None:
    """Do one job of a commit; what it raises is its own affair, not that of the others."""
    db.execute("SAVEPOINT job")
    try:
        job.result = job.work(db)
    except sqlite3.OperationalError:
        raise  # a full disk, say: nothing of this commit can be relied on
    except BaseException as error:  # noqa: BLE001 - handed to whoever asked
        db.execute("ROLLBACK TO job")
        job.error = error
    db.execute("RELEASE job")


def opened(path: Path) -> sqlite3.Connection:
    """Open the file, made with its folder on first use, in the newest schema.

    Raises:
        Unavailable: it was written by a newer release.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Ten seconds ride out another connection's checkpoint on a slow disk.
    db = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    try:
        bring_up_to_date(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _unavailable(path: Path, error: sqlite3.Error) -> Unavailable:
    return Unavailable(f"the store at {path} cannot work: {error}")
