"""Plain HTTP to those who tell people: what they answer is read within bounds."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from shared.connectors.http_wire import MAX_ANSWER_BYTES, posting, session
from shared.domain.errors import OutcomeUnknown

Head = dict[str, str]
_CHUNK = b"x" * 65_536
_BOMB = gzip.compress(_CHUNK * 256)


@asynccontextmanager
async def answering(head: Head, parts: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[str]:
    """Yield the address of a server that says ``head``, and ``parts`` until nobody listens."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = ["HTTP/1.1 200 OK", "Connection: close", *(f"{k}: {v}" for k, v in head.items())]
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            async for part in parts():
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def get(url: str) -> str:
    """Return what is answered."""
    async with posting("jira", "search", changes=True), session(5, local=True) as client:
        return (await client.get(url)).text


async def test_what_is_answered_is_read() -> None:
    """As large as it may be."""

    async def parts() -> AsyncIterator[bytes]:
        yield _CHUNK

    async with answering({}, parts) as url:
        assert await get(url) == _CHUNK.decode()


@pytest.mark.parametrize("packed", [False, True])
async def test_an_endless_answer_is_not_kept(packed: bool) -> None:
    """Nor one that only looks small; and nobody knows then what became of the request."""

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield _BOMB if packed else _CHUNK

    tracemalloc.start()
    try:
        async with answering({"Content-Encoding": "gzip"} if packed else {}, parts) as url:
            with pytest.raises(OutcomeUnknown, match="no readable answer"):
                await asyncio.wait_for(get(url), 20)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 6 * MAX_ANSWER_BYTES
