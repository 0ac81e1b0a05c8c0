"""Blob triggers: a function per new or changed blob, at least once.

A container is listed again and again; what has been done is remembered by name and ETag,
in the data folder and not, as the real host does, in blobs of the storage account. After
``poisonBlobThreshold`` tries a blob is told of in the queue ``webjobs-blobtrigger-poison``
(Microsoft Learn, "Azure Blob storage trigger for Azure Functions").
"""

import asyncio
import contextlib
import json
import logging
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from localhost.functions import BlobFunction
from localhost.invoke import Invoker
from localhost.settings import BadSettings, BlobOptions
from localhost.storage import Patience

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
_POISON_QUEUE = "webjobs-blobtrigger-poison"
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS receipts (
  function TEXT NOT NULL, blob TEXT NOT NULL, etag TEXT NOT NULL,
  tries INTEGER NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (function, blob)
) WITHOUT ROWID
"""
_CLIENT: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 60}


def path_pattern(path: str) -> tuple[str, re.Pattern[str]]:
    """Return container and pattern of a trigger's path, e.g. ``in/{name}.csv``.

    Raises:
        BadSettings: it names no container, or a parameter stands for part of its name.
    """
    container, _, rest = path.strip("/").partition("/")
    if not container or "{" in container:
        raise BadSettings(f"blob path {path!r} must begin with the name of a container")
    pattern, end = "", 0
    for found in _PARAMETER.finditer(rest):
        # Whether one of them is written twice does not matter here: nobody reads the parts.
        pattern += re.escape(rest[end : found.start()]) + "(?:.+)"
        end = found.end()
    return container, re.compile(pattern + re.escape(rest[end:]) if rest else ".+")


class Receipts:
    """What has been done to which version of which blob. One thread at a time.

    Args:
        path: The database file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(_SCHEMA)
        self._lock = asyncio.Lock()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    async def wanted(self, function: str, blob: str, etag: str) -> bool:
        """Tell whether this version still has to be worked on."""

        def work() -> bool:
            row = self._db.execute(
                "SELECT etag, done FROM receipts WHERE function = ? AND blob = ?", (function, blob)
            ).fetchone()
            return row is None or row[0] != etag or not row[1]

        return await self._do(work)

    async def begin(self, function: str, blob: str, etag: str) -> int:
        """Count a try of this version and return how many there were, this one included."""

        def work() -> int:
            self._db.execute(
                "INSERT INTO receipts VALUES (?, ?, ?, 1, 0) ON CONFLICT (function, blob) DO"
                " UPDATE SET tries = CASE WHEN etag = excluded.etag THEN tries + 1 ELSE 1 END,"
                " done = 0, etag = excluded.etag",
                (function, blob, etag),
            )
            row = self._db.execute(
                "SELECT tries FROM receipts WHERE function = ? AND blob = ?", (function, blob)
            ).fetchone()
            return int(row[0])

        return await self._do(work)

    async def done(self, function: str, blob: str, etag: str) -> None:
        """Note that this version needs no more work."""

        def work() -> None:
            self._db.execute(
                "UPDATE receipts SET done = 1 WHERE function = ? AND blob = ? AND etag = ?",
                (function, blob, etag),
            )

        await self._do(work)

    async def _do(self, work: Callable[[], T]) -> T:
        async with self._lock:
            return await asyncio.to_thread(work)


class Blobs:
    """Runs the blob functions of an app until stopped."""

    def __init__(
        self,
        functions: list[BlobFunction],
        invoker: Invoker,
        options: BlobOptions,
        receipts: Path,
    ) -> None:
        self._receipts = Receipts(receipts) if functions else None
        self._watchers = [
            _Watcher(one, invoker, options, self._receipts) for one in functions if self._receipts
        ]

    def start(self) -> None:
        """Begin to watch."""
        for watcher in self._watchers:
            watcher.start()

    async def stop(self, timeout_seconds: float) -> None:
        """Begin with no more blobs and wait for those under way; the rest is done next time."""
        await asyncio.gather(*(one.stop(timeout_seconds) for one in self._watchers))
        if self._receipts is not None:
            self._receipts.close()


class _Watcher:
    def __init__(
        self, function: BlobFunction, invoker: Invoker, options: BlobOptions, receipts: Receipts
    ) -> None:
        self._function = function
        self._name = function.function.name
        self._invoker = invoker
        self._options = options
        self._receipts = receipts
        self._container, self._pattern = path_pattern(function.path)
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._free = asyncio.Semaphore(options.max_degree_of_parallelism)
        self._running: set[asyncio.Task[bool]] = set()

    def start(self) -> None:
        self._loop = asyncio.create_task(self._watch())

    async def stop(self, timeout_seconds: float) -> None:
        self._stopping = True
        if self._running:
            await asyncio.wait(set(self._running), timeout=timeout_seconds)
        for task in (*self._running, *([self._loop] if self._loop else [])):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            if self._loop is not None:
                await self._loop

    async def _watch(self) -> None:
        from azure.storage.blob.aio import ContainerClient

        address = self._function.connection_string
        patience = Patience(f"container {self._container!r}")
        pause = _FIRST_PAUSE_SECONDS
        async with ContainerClient.from_connection_string(
            address, self._container, **_CLIENT
        ) as container:
            while not self._stopping:
                worked = await patience.ask(lambda: self._scan(container))
                pause = _FIRST_PAUSE_SECONDS if worked else min(2 * pause, _LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(pause)

    async def _scan(self, container: Any) -> bool:
        """Work on what is new; tell whether there was anything."""
        found = [blob async for blob in _listed(container)]
        for blob in found:
            if self._stopping:
                break
            if not self._pattern.fullmatch(blob.name):
                continue
            if await self._receipts.wanted(self._name, self._key(blob.name), blob.etag):
                await self._free.acquire()
                task = asyncio.create_task(self._handle(container, blob))
                self._running.add(task)
                task.add_done_callback(self._ended)
        if not self._running:
            return False
        # All of this listing first: the next one must not take up what is still under way.
        ended = await asyncio.gather(*self._running)
        return any(ended)

    def _ended(self, task: "asyncio.Task[bool]") -> None:
        self._running.discard(task)
        self._free.release()

    def _key(self, name: str) -> str:
        return f"{self._container}/{name}"

    async def _handle(self, container: Any, blob: Any) -> bool:
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
        from azure.functions.blob import InputStream

        key, etag = self._key(blob.name), blob.etag
        client = container.get_blob_client(blob.name)
        try:
            download = await client.download_blob(etag=etag, match_condition=_same_version())
            data = await download.readall()
        except (ResourceNotFoundError, ResourceModifiedError):
            return False  # gone, or changed since: the next listing knows
        tries = await self._receipts.begin(self._name, key, etag)
        stream = InputStream(data=data, name=key, uri=client.url, length=len(data))
        try:
            await self._invoker.call(self._function.function, stream)
        except Exception:
            log.exception("blob function %r failed on %s (try %d)", self._name, key, tries)
            if tries < self._options.poison_blob_threshold:
                return True
            await self._put_aside(blob)
        await self._receipts.done(self._name, key, etag)
        return True

    async def _put_aside(self, blob: Any) -> None:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.queue.aio import QueueClient

        told = {
            "Type": "BlobTrigger",
            "FunctionId": f"Host.Functions.{self._name}",
            "BlobType": "BlockBlob",
            "ContainerName": self._container,
            "BlobName": blob.name,
            "ETag": f'"{blob.etag}"',
        }
        address = self._function.connection_string
        async with QueueClient.from_connection_string(address, _POISON_QUEUE) as queue:
            with contextlib.suppress(ResourceExistsError):
                await queue.create_queue()
            await queue.send_message(json.dumps(told), time_to_live=-1)
        log.warning("blob %s is told of in queue %r now", self._key(blob.name), _POISON_QUEUE)


async def _listed(container: Any) -> Any:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        async for blob in container.list_blobs():
            yield blob
    except ResourceNotFoundError:
        return  # the container may come later


def _same_version() -> Any:
    from azure.core import MatchConditions

    return MatchConditions.IfNotModified
