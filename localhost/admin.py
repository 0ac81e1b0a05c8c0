"""The admin API: run a function now.

``POST /admin/functions/{name}`` with ``{"input": ...}`` answers 202 and runs any
function that has no HTTP trigger, as on the real host.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhost.functions import App
from localhost.http import Endpoint, read_body
from localhost.routes import Route, Template

log = logging.getLogger(__name__)

Runner = Callable[[str], Awaitable[None]]


class AdminApi:
    """Endpoints over the functions of one app.

    Args:
        runners: By kind and name: how to run one with the JSON text of its input.
    """

    def __init__(self, app: App, runners: dict[str, Runner]) -> None:
        self._app = app
        self._runners = {name.lower(): runner for name, runner in runners.items()}
        self._jobs: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route[Endpoint]]:
        """Return all routes."""
        return [
            Route(Template("admin/functions/{name}"), frozenset({"POST"}), self._run),
        ]

    async def _run(self, request: Request, parameters: dict[str, str]) -> Response:
        runner = self._runners.get(parameters["name"].lower())
        if runner is None:
            return Response(status_code=404)
        body = await read_body(request)
        try:
            content = json.loads(body) if body else {}
        except ValueError:
            return JSONResponse({"Message": "the body is no JSON"}, 400)
        value = content.get("input") if isinstance(content, dict) else None
        text = value if isinstance(value, str) else json.dumps(value)
        job = asyncio.create_task(self._quietly(parameters["name"], runner, text))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return Response(status_code=202)

    async def _quietly(self, name: str, runner: Runner, text: str) -> None:
        try:
            await runner(text)
        except Exception:
            log.exception("function %r failed", name)
