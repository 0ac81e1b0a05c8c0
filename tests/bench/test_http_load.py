"""The load generator, against small servers that answer in known ways."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bench.http_load import Request, send_async

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _answering(*answers: bytes) -> tuple[Connection, list[bytes]]:
    """Return a connection that gives these answers in turn, and what it was asked."""
    asked: list[bytes] = []
    left = list(answers)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left and (head := await reader.readuntil(b"\r\n\r\n")):
            length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0] or 0)
            asked.append(head.split(b"\r\n")[0] + b" " + await reader.readexactly(length))
            writer.write(left.pop(0))
        writer.close()

    return connection, asked


async def _url(connection: Connection) -> tuple[str, asyncio.Server]:
    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    return f"http://{host}:{port}", server


async def test_every_answer_is_counted_with_its_status_and_body() -> None:
    """Requests share one connection and each answer is told apart."""
    connection, asked = _answering(
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    )
    url, server = await _url(connection)
    async with server:
        requests = [Request("POST", "/a", b'{"n": 1}'), Request("GET", "/b")]
        load = await send_async(url, requests, 1, keep_bodies=True)

    assert asked == [b'POST /a HTTP/1.1 {"n": 1}', b"GET /b HTTP/1.1 "]
    assert dict(load.statuses) == {202: 1, 503: 1}
    assert load.bodies == [b"ok", b""]
    assert len(load.latencies) == 2


async def test_another_status_than_the_expected_one_is_no_measurement() -> None:
    """Refusals are quick; counting them would look like speed."""
    connection, _ = _answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    url, server = await _url(connection)
    async with server:
        load = await send_async(url, [Request("GET", "/")], 1)

    with pytest.raises(RuntimeError, match="503"):
        load.expect(200)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="no length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            id="the server closes the connection",
        ),
    ],
)
async def test_an_answer_it_cannot_read_stops_it(answer: bytes) -> None:
    """It would wait for ever, or measure new connections."""
    connection, _ = _answering(answer)
    url, server = await _url(connection)
    async with server:
        with pytest.raises(RuntimeError, match="does not understand"):
            await send_async(url, [Request("GET", "/")], 1)
