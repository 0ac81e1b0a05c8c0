"""The ASGI application: who may enter, and where each request goes.

* Host header: only names this host is reached by. A web page elsewhere that resolves
  its own name to 127.0.0.1 must not talk to it.
* Origin: pages of other origins cannot change anything through the host's own APIs;
  the app's functions decide for themselves.
* Readiness: 503 until work is accepted, and again while the host stops.
* Routing: management API, admin API, the app's functions; whatever is left, the web pages.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from localhost.http import TooLarge
from localhost.routes import Router
from localhost.site import Site

log = logging.getLogger(__name__)

Endpoint = Callable[[Request, dict[str, str]], Awaitable[Response]]
Sockets = Callable[[Scope, Receive, Send], Awaitable[None]]

_RETRY_SECONDS = 1

# First path segments of the management API and the admin API.
_OWN_APIS = ("runtime", "admin")


class State(StrEnum):
    """What the host can do for a caller."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    BROKEN = "broken"


class Front:
    """Answers every request of the host.

    Args:
        hosts: Allowed values of the Host header, without port; empty allows all.
        internal: First path segment of calls that the app's own clients make: they are
            answered from loopback only, and still while the host is stopping.
        site: Web pages beside the functions.
    """

    def __init__(self, hosts: frozenset[str], internal: str, site: Site | None = None) -> None:
        self._hosts = hosts
        self._internal = internal
        self._site = site
        self._sockets: Sockets | None = None
        self._router: Router[Endpoint] = Router([])
        self.state = State.STARTING
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._asked = 0  # by others than the app's own clients
        self._lull = asyncio.Event()
        self._lull.set()

    def use(self, router: Router[Endpoint], sockets: Sockets | None = None) -> None:
        """Route to these from now on; WebSockets go to ``sockets``."""
        self._router = router
        self._sockets = sockets

    async def idle(self) -> None:
        """Wait until no request is being answered."""
        await self._idle.wait()

    async def lull(self, most_seconds: float) -> None:
        """Wait until nobody outside waits for an answer, or so long: whoever asks comes first."""
        if self._asked:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(most_seconds):
                    await self._lull.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        outside = not str(scope["path"]).startswith(f"/{self._internal}/")
        self._count(1, outside=outside)
        try:
            response = await self._answer(request)
            await response(scope, receive, send)
        finally:
            self._count(-1, outside=outside)

    def _count(self, change: int, *, outside: bool) -> None:
        self._busy += change
        self._asked += change if outside else 0
        for number, event in ((self._busy, self._idle), (self._asked, self._lull)):
            if number:
                event.clear()
            else:
                event.set()

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pages of this host connect, and programs; no pages from elsewhere."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        own = (
            origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()
        )
        known = not self._hosts or _host_name(headers) in self._hosts
        if own and known and self._sockets is not None and self.state is State.READY:
            await self._sockets(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, request: Request) -> Response:
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        refusal = self._refusal(request, path)
        if refusal is not None:
            return refusal
        found = self._router.find(request.method, path)
        if found is None:
            return self._page(request, path)
        endpoint, parameters = found
        try:
            return await endpoint(request, parameters)
        except TooLarge:
            return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception:
            log.exception("%s %s failed", request.method, path)
            return Response(status_code=500)

    def _page(self, request: Request, path: str) -> Response:
        if self._site is None:
            return _front_page(request, path)
        return self._site.answer(request, path) or self._site.missing()

    def _refusal(self, request: Request, path: str) -> Response | None:
        if self._hosts and _host_name(request.headers) not in self._hosts:
            return PlainTextResponse("This host is not known by that name.", 400)
        first = path.strip("/").partition("/")[0].lower()
        if first in (*_OWN_APIS, self._internal) and _is_foreign_command(request):
            return Response(status_code=403)
        internal = first == self._internal
        if internal and not is_loopback(request):
            return Response(status_code=404)
        ready = self.state is State.READY or (internal and self.state is State.STOPPING)
        if ready:
            return None
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        return JSONResponse({"status": str(self.state)}, 503, headers)


def is_loopback(request: Request) -> bool:
    """Return whether the caller is on this machine."""
    if request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _is_foreign_command(request: Request) -> bool:
    """Return whether a browser sends this, to change something, for a page elsewhere."""
    if request.method in ("GET", "HEAD"):
        return False
    origin = request.headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2].lower() != request.headers.get("host", "").lower()
    return request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _host_name(headers: Headers) -> str:
    """Return the Host header without its port; IPv6 addresses keep their brackets."""
    value = headers.get("host", "").strip().lower()
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.partition(":")[0]


def _front_page(request: Request, path: str) -> Response:
    if request.method == "GET" and path.strip("/") == "":
        return PlainTextResponse("Your function app is up and running.")
    return Response(status_code=404)
