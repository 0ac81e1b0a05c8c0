"""Read-only connections, one per thread, that can be closed from any thread.

SQLite forbids closing a connection while another thread uses it (the process dies of
it), so each connection has a lock that a question holds while it runs.
"""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from localhost.durable.writer import HubBroken

T = TypeVar("T")


class Readers:
    """Answers questions about the database in ``path``; sees committed data only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all: list[_Reader] = []
        self._closed = False

    def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Return the answer to ``question``.

        Raises:
            HubBroken: the hub is closed.
        """
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._open()
        with reader.lock:
            if reader.connection is None:
                raise HubBroken("the hub is closed")
            return question(reader.connection)

    def close(self) -> None:
        """Close all connections, each after the question it is answering."""
        with self._lock:
            self._closed = True
            readers, self._all = self._all, []
        for reader in readers:
            with reader.lock:
                if reader.connection is not None:
                    reader.connection.close()
                    reader.connection = None

    def _open(self) -> "_Reader":
        with self._lock:
            if self._closed:
                raise HubBroken("the hub is closed")
            reader = _Reader(self._path)
            self._all.append(reader)
        self._local.reader = reader
        return reader


class _Reader:
    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False
        )
        self.connection.execute("PRAGMA busy_timeout = 5000")
        self.connection.execute("PRAGMA query_only = 1")
