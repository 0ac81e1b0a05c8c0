"""The window's endpoints: a page, its script, and three questions."""

from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhost.durable.hub import Hub
from localhost.front import Endpoint
from localhost.routes import Route, Template
from localhost.window import views

_FILES = {"page.html": "text/html", "window.css": "text/css", "window.js": "text/javascript"}
_MOST = 200
# The page loads nothing from elsewhere, and nobody may frame it.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Window:
    """Serves the page of one hub.

    Args:
        hub: What is looked at; only read.
        management: Path of the management API, which the page's buttons call.
    """

    def __init__(self, hub: Hub, management: str) -> None:
        self._hub = hub
        self._management = management

    def page_routes(self) -> list[Route[Endpoint]]:
        """Return the page itself: no data in it, so that it can ask for a key."""
        return [
            self._get("admin", partial(_file, "page.html")),
            self._get("admin/window.css", partial(_file, "window.css")),
            self._get("admin/window.js", partial(_file, "window.js")),
        ]

    def data_routes(self) -> list[Route[Endpoint]]:
        """Return what the page asks for."""
        return [
            self._get("admin/durable/summary", self._summary),
            self._get("admin/durable/instances", self._list),
            self._get("admin/durable/instances/{id}", self._one),
        ]

    @staticmethod
    def _get(template: str, endpoint: Endpoint) -> Route[Endpoint]:
        return Route(Template(template), frozenset({"GET"}), endpoint)

    async def _summary(self, _request: Request, _parameters: dict[str, str]) -> Response:
        body = {**self._hub.read(views.summary), "management": f"/{self._management}"}
        return JSONResponse(body, headers=_HEADERS)

    async def _list(self, request: Request, _parameters: dict[str, str]) -> Response:
        asked = request.query_params
        limit = min(_whole(asked.get("limit"), 50), _MOST)
        found = self._hub.read(
            partial(
                views.instances,
                status=asked.get("status", ""),
                text=asked.get("text", ""),
                limit=limit,
                offset=_whole(asked.get("offset"), 0),
            )
        )
        return JSONResponse({"items": found, "limit": limit}, headers=_HEADERS)

    async def _one(self, _request: Request, parameters: dict[str, str]) -> Response:
        found = self._hub.read(partial(views.instance, instance_id=parameters["id"]))
        if found is None:
            return Response(status_code=404)
        return JSONResponse(found, headers=_HEADERS)


async def _file(name: str, _request: Request, _parameters: dict[str, str]) -> Response:
    body = (Path(__file__).parent / name).read_bytes()
    return Response(body, media_type=_FILES[name], headers=_HEADERS)


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else default
