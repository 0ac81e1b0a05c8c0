"""Endings of a connection that HTTP has no words for: reset, and cut in the middle.

uvicorn hides the transport from the application, so ``ControllableProtocol`` hands each
connection's own ``Connection`` down in the ASGI ``state``. Without such a server (an
in-process client) a reset raises ``ConnectionResetError`` instead.
"""

import socket
import struct
from asyncio import BaseTransport, Transport
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_STATE_KEY = "simulators.connection"
# SO_LINGER with a timeout of 0 makes close() send RST instead of FIN.
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Connection:
    """The TCP connection a request came in on."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def reset(self) -> None:
        """Drop everything unsent and send a TCP reset."""
        peer = self._transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()

    def close(self) -> None:
        """Send what was written, then close in order."""
        self._transport.close()


class ControllableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, with the connection put into the request's state."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Remember the transport for the requests of this connection."""
        stream = cast("Transport", transport)
        super().connection_made(stream)
        self.app_state = {**self.app_state, _STATE_KEY: Connection(stream)}


class ResetAnswer(Response):
    """No answer at all: the peer sees a reset connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the connection and stay until the server has noticed."""
        _ = send
        _of(scope).reset()
        await _gone(receive)


class TruncatedAnswer(Response):
    """Half of the body under the headers of the whole, then the end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and the first half, then close."""
        connection = _of(scope)
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        connection.close()
        await _gone(receive)


def _of(scope: Scope) -> Connection:
    connection = scope.get("state", {}).get(_STATE_KEY)
    if not isinstance(connection, Connection):
        raise ConnectionResetError("this server cannot cut connections; see ControllableProtocol")
    return connection


async def _gone(receive: Receive) -> None:
    # Returning earlier would make uvicorn complain about an application without an answer.
    while (await receive())["type"] != "http.disconnect":
        pass
