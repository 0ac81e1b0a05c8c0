"""The admin API: what functions there are, how the host is, and running one now.

``POST /admin/functions/{name}`` with ``{"input": ...}`` answers 202 and runs any
function that has no HTTP trigger, as on the real host. A page for people at ``/admin``
would be one more route here.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhost.front import Endpoint
from localhost.functions import App
from localhost.http import read_body
from localhost.routes import Route, Template

log = logging.getLogger(__name__)

# Runs one function with the JSON text of its input, if it gets one.
Runner = Callable[[str | None], Awaitable[None]]


class AdminApi:
    """Endpoints over the functions of one app.

    Args:
        runners: How to run each function that has no HTTP trigger, by name.
        url: Of the host, for the links in the answers.
    """

    def __init__(self, app: App, runners: dict[str, Runner], url: str, prefix: str) -> None:
        self._runners = {name.lower(): runner for name, runner in runners.items()}
        self._descriptions = {str(one["name"]).lower(): one for one in _describe(app, url, prefix)}
        self._jobs: set[asyncio.Task[None]] = set()
        self._started = time.monotonic()

    def routes(self) -> list[Route[Endpoint]]:
        """Return all routes."""
        get, post = frozenset({"GET"}), frozenset({"POST"})
        return [
            Route(Template("admin/functions"), get, self._list),
            Route(Template("admin/functions/{name}"), get, self._one),
            Route(Template("admin/functions/{name}"), post, self._run),
            Route(Template("admin/host/status"), get, self._status),
            Route(Template("admin/host/ping"), frozenset({"GET", "POST"}), self._ping),
        ]

    async def _list(self, _request: Request, _parameters: dict[str, str]) -> Response:
        return JSONResponse(list(self._descriptions.values()))

    async def _one(self, _request: Request, parameters: dict[str, str]) -> Response:
        found = self._descriptions.get(parameters["name"].lower())
        return Response(status_code=404) if found is None else JSONResponse(found)

    async def _status(self, _request: Request, _parameters: dict[str, str]) -> Response:
        uptime_ms = int((time.monotonic() - self._started) * 1000)
        return JSONResponse({"id": "localhost", "state": "Running", "processUptime": uptime_ms})

    async def _ping(self, _request: Request, _parameters: dict[str, str]) -> Response:
        return Response(status_code=200)

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
        text = value if value is None or isinstance(value, str) else json.dumps(value)
        job = asyncio.create_task(self._quietly(parameters["name"], runner, text))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return Response(status_code=202)

    async def _quietly(self, name: str, runner: Runner, text: str | None) -> None:
        try:
            await runner(text)
        except Exception:
            log.exception("function %r failed", name)


def _describe(app: App, url: str, prefix: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for one in app.http:
        path = "/".join(part for part in (prefix, one.route.lstrip("/")) if part)
        found.append(
            {
                "name": one.function.name,
                "type": "httpTrigger",
                "methods": sorted(one.methods),
                "authLevel": one.auth_level,
                "invoke_url_template": f"{url}/{path}",
                "isDisabled": False,
            }
        )
    found += [
        _plain(one.function.name, "timerTrigger") | {"schedule": one.schedule} for one in app.timers
    ]
    found += [
        _plain(one.function.name, "queueTrigger") | {"queueName": one.queue} for one in app.queues
    ]
    found += [_plain(one.function.name, "blobTrigger") | {"path": one.path} for one in app.blobs]
    for kind, functions in (
        ("orchestrationTrigger", app.orchestrators),
        ("activityTrigger", app.activities),
        ("entityTrigger", app.entities),
    ):
        found += [_plain(one.name, kind) for one in functions.values()]
    found += [{"name": name, "isDisabled": True, "reason": reason} for name, reason in app.skipped]
    return found


def _plain(name: str, kind: str) -> dict[str, object]:
    return {"name": name, "type": kind, "isDisabled": False}
