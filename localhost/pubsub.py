"""Publish and subscribe over WebSocket, as Azure Web PubSub does it, as far as pages need it.

    POST runtime/pubsub/api/hubs/{hub}/:generateToken    a token to connect with
    POST runtime/pubsub/api/hubs/{hub}/:send             to everybody connected to the hub
    GET  client/hubs/{hub}?access_token=...              the WebSocket

Clients speak ``json.webpubsub.azure.v1``. They may listen, ping and get acknowledgements; what
they send to groups goes nowhere. Source: Microsoft Learn, "Azure Web PubSub supported JSON
WebSocket subprotocol" and the data plane's REST reference.
"""

import asyncio
import contextlib
import json
import logging
import re
import secrets
import time
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from localhost.front import Endpoint, is_loopback
from localhost.http import read_body
from localhost.routes import Route, Template

log = logging.getLogger(__name__)

BASE = "runtime/pubsub"
PROTOCOL = "json.webpubsub.azure.v1"
_CLIENT = re.compile(r"/client/hubs/([A-Za-z][A-Za-z0-9_]{0,127})/?")
_TOKEN_SECONDS = 3600.0
_MOST_WAITING = 1_000
_MOST_CONNECTIONS = 1_000
_POLICY_VIOLATION, _GOING_AWAY, _TRY_LATER = 1008, 1001, 1013


class PubSub:
    """Hubs, who is connected to them, and who may be."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}
        self._connected: dict[str, set[asyncio.Queue[str | None]]] = {}
        self._count = 0

    def routes(self) -> list[Route[Endpoint]]:
        """Return the calls of whoever publishes; loopback only."""
        post = frozenset({"POST"})
        return [
            Route(Template(f"{BASE}/api/hubs/{{hub}}/:generateToken"), post, self._generate),
            Route(Template(f"{BASE}/api/hubs/{{hub}}/:send"), post, self._publish),
        ]

    def send(self, hub: str, data: object) -> int:
        """Send ``data`` to everybody connected to ``hub``; return to how many."""
        frame = json.dumps({"type": "message", "from": "server", "dataType": "json", "data": data})
        queues = self._connected.get(hub.lower(), set())
        for queue in queues:
            # Who does not read loses messages, not the others' memory.
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(frame)
        return len(queues)

    def close(self) -> None:
        """Let everybody go."""
        for queues in self._connected.values():
            for queue in queues:
                with contextlib.suppress(asyncio.QueueFull):
                    queue.put_nowait(None)

    async def connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket until either side ends it."""
        await receive()  # websocket.connect
        found = _CLIENT.fullmatch(scope["path"])
        hub = found[1].lower() if found else ""
        token = parse_qs(scope["query_string"].decode("latin-1")).get("access_token", [""])[0]
        if not hub or not self._is_good(token, hub) or PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        if self._count >= _MOST_CONNECTIONS:
            await send({"type": "websocket.close", "code": _TRY_LATER})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        queue: asyncio.Queue[str | None] = asyncio.Queue(_MOST_WAITING)
        welcome = {"type": "system", "event": "connected", "connectionId": secrets.token_hex(8)}
        queue.put_nowait(json.dumps(welcome))
        self._connected.setdefault(hub, set()).add(queue)
        self._count += 1
        reading = asyncio.create_task(_read(receive, queue))
        try:
            while (frame := await queue.get()) is not None:
                await send({"type": "websocket.send", "text": frame})
            if not reading.done():
                await send({"type": "websocket.close", "code": _GOING_AWAY})
        except (OSError, RuntimeError):
            pass  # it is gone, which is all there is to say
        finally:
            reading.cancel()
            self._connected[hub].discard(queue)
            self._count -= 1

    async def _generate(self, request: Request, parameters: dict[str, str]) -> Response:
        if not is_loopback(request):
            return Response(status_code=404)
        now = time.monotonic()
        self._tokens = {token: one for token, one in self._tokens.items() if one[1] > now}
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (parameters["hub"].lower(), now + _TOKEN_SECONDS)
        return JSONResponse({"token": token})

    async def _publish(self, request: Request, parameters: dict[str, str]) -> Response:
        if not is_loopback(request):
            return Response(status_code=404)
        try:
            data = json.loads(await read_body(request))
        except ValueError:
            return Response(status_code=400)
        self.send(parameters["hub"], data)
        return Response(status_code=202)

    def _is_good(self, token: str, hub: str) -> bool:
        for_hub, until = self._tokens.get(token, ("", 0.0))
        return for_hub == hub and time.monotonic() < until


async def _read(receive: Receive, queue: asyncio.Queue[str | None]) -> None:
    """Answer pings and acknowledge what wants to be; end the queue with the connection."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)
            return
        try:
            frame = json.loads(message.get("text") or "")
        except ValueError:
            continue
        if not isinstance(frame, dict):
            continue
        answer: dict[str, object] | None = None
        if frame.get("type") == "ping":
            answer = {"type": "pong"}
        elif "ackId" in frame:
            answer = {"type": "ack", "ackId": frame["ackId"], "success": True}
        if answer is not None:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(json.dumps(answer))
