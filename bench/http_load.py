"""A small HTTP client that costs little beside the server it measures.

One request at a time per connection, connections kept open, answers with a length. What
it does not understand it refuses.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.figure import percentile

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes out."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def wire(self, host: str) -> bytes:
        """Return the bytes for ``host``."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        if self.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        return head.encode() + b"\r\n" + self.body


@dataclass(slots=True)
class Load:
    """What came of it.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Seconds, one per answer.
        statuses: How often each status came.
        bodies: The answers' bodies, when they were asked for.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Round trips per second."""
        return len(self.latencies) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return 1000 * percentile(self.latencies, percent)

    def expect(self, status: int) -> "Load":
        """Return this; raise RuntimeError if another status came."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"expected only {status}, got {dict(self.statuses)}")
        return self


def send(
    url: str, requests: Sequence[Request], connections: int, *, keep_bodies: bool = False
) -> Load:
    """Send ``requests`` over ``connections`` at once and return what came of it.

    Raises:
        RuntimeError: an answer has no length, or ends the connection.
    """
    return asyncio.run(send_async(url, requests, connections, keep_bodies=keep_bodies))


async def send_async(
    url: str, requests: Sequence[Request], connections: int, *, keep_bodies: bool = False
) -> Load:
    """See :func:`send`."""
    load, source = Load(), iter(requests)
    begun = time.perf_counter()
    lines = (_Line(url, source, load, keep_bodies=keep_bodies) for _ in range(connections))
    await asyncio.gather(*(line.run() for line in lines))
    load.seconds = time.perf_counter() - begun
    return load


def send_at_rate(
    url: str, requests: Sequence[Request], per_second: float, connections: int
) -> Load:
    """Send ``requests`` evenly spread, whether or not the ones before have been answered.

    A latency counts from when its request was due: a server that falls behind cannot hide
    it by being asked less.
    """
    return asyncio.run(_send_at_rate(url, requests, per_second, connections))


async def _send_at_rate(
    url: str, requests: Sequence[Request], per_second: float, connections: int
) -> Load:
    load, due = Load(), asyncio.Queue[tuple[float, Request] | None]()
    lines = [_TimedLine(url, due, load) for _ in range(connections)]
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(line.run())
        for number, request in enumerate(requests):
            at = begun + number / per_second
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            due.put_nowait((at, request))
        for _ in lines:
            due.put_nowait(None)
    load.seconds = time.perf_counter() - begun
    return load


class _TimedLine:
    """One connection that takes what is due."""

    def __init__(
        self, url: str, due: "asyncio.Queue[tuple[float, Request] | None]", load: Load
    ) -> None:
        self._host = urlsplit(url).netloc
        self._due = due
        self._load = load

    async def run(self) -> None:
        name, _, port = self._host.rpartition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        try:
            while (task := await self._due.get()) is not None:
                at, request = task
                writer.write(request.wire(self._host))
                status, _ = await _answer(reader)
                self._load.latencies.append(time.perf_counter() - at)
                self._load.statuses[status] += 1
        finally:
            writer.close()
            await writer.wait_closed()


class _Line:
    """One connection that takes requests from a common source."""

    def __init__(
        self, url: str, requests: Iterable[Request], load: Load, *, keep_bodies: bool
    ) -> None:
        self._host = urlsplit(url).netloc
        self._requests = requests
        self._load = load
        self._keep_bodies = keep_bodies

    async def run(self) -> None:
        name, _, port = self._host.rpartition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        try:
            for request in self._requests:
                begun = time.perf_counter()
                writer.write(request.wire(self._host))
                status, body = await _answer(reader)
                self._load.latencies.append(time.perf_counter() - begun)
                self._load.statuses[status] += 1
                if self._keep_bodies:
                    self._load.bodies.append(body)
        finally:
            writer.close()
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(_HEAD_END)).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    lengths = [line[15:] for line in head.split("\r\n") if line.startswith("content-length:")]
    if len(lengths) != 1 or "connection: close" in head:
        raise RuntimeError(f"an answer this client does not understand: {head!r}")
    return status, await reader.readexactly(int(lengths[0]))
