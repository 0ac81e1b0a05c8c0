"""The ASGI application: who may enter, and where each request goes.

* Host header: only names this host is reached by. A web page elsewhere that resolves
  its own name to 127.0.0.1 must not talk to it.
* Origin: pages of other origins cannot change anything through the host's own APIs;
  the app's functions decide for themselves.
* Readiness: 503 until work is accepted, and again while the host stops.
* Routing: management API, admin API, the app's functions.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from localhost.http import TooLarge
from localhost.routes import Router

log = logging.getLogger(__name__)

Endpoint = Callable[[Request, dict[str, str]], Awaitable[Response]]

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
    """

    def __init__(self, hosts: frozenset[str], internal: str) -> None:
        self._hosts = hosts
        self._internal = internal
        self._router: Router[Endpoint] = Router([])
        self.state = State.STARTING
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def use(self, router: Router[Endpoint]) -> None:
        """Route to these from now on."""
        self._router = router

    async def idle(self) -> None:
        """Wait until no request is being answered."""
        await self._idle.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        self._busy += 1
        self._idle.clear()
        try:
            response = await self._answer(request)
            await response(scope, receive, send)
        finally:
            self._busy -= 1
            if self._busy == 0:
                self._idle.set()

    async def _answer(self, request: Request) -> Response:
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        refusal = self._refusal(request, path)
        if refusal is not None:
            return refusal
        found = self._router.find(request.method, path)
        if found is None:
            return _front_page(request, path)
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

    def _refusal(self, request: Request, path: str) -> Response | None:
        if self._hosts and _host_name(request) not in self._hosts:
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


def _host_name(request: Request) -> str:
    """Return the Host header without its port; IPv6 addresses keep their brackets."""
    value = request.headers.get("host", "").strip().lower()
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.partition(":")[0]


def _front_page(request: Request, path: str) -> Response:
    if request.method == "GET" and path.strip("/") == "":
        return PlainTextResponse("Your function app is up and running.")
    return Response(status_code=404)
