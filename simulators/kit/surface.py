"""One ASGI app of a simple service: its paths as a table, its controls, and an end to the rest."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.kit.controls import PREFIX, control_error, control_routes
from simulators.kit.service import Answer, Call, Operation, Refused, Service, read_body

UNKNOWN = "unknown"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


@dataclass(frozen=True, slots=True)
class Path:
    """One line of a service's surface.

    Attributes:
        action: Its name in the ledger and for faults.
        path: Of the whole path; its named groups go into ``Call.names``.
        target: Returns what a call is about.
    """

    action: str
    method: str
    path: re.Pattern[str]
    operate: Operation
    target: Callable[[Call], str] = lambda _: ""


def build(
    service: Service,
    *,
    name: str,
    paths: Sequence[Path],
    controls: Collection[Route],
    reset: Callable[[], None],
    actions: Collection[str] = (),
) -> Starlette:
    """Return the app: shared controls, own ``controls``, and ``paths`` for everything else.

    Args:
        actions: What faults may be ordered for besides the actions of ``paths``.
    """

    async def call_service(request: Request) -> Response:
        found, call = _understand(request, await read_body(request), paths)
        return await service.answer(call, found.operate if found else _nothing_there)

    async def no_such_control(request: Request) -> Response:
        raise HTTPException(404, f"no control {request.method} {request.url.path}")

    known = [*actions, *(path.action for path in paths)]
    return Starlette(
        routes=[
            *control_routes(service, name=name, actions=known, reset=reset),
            *controls,
            Route(f"{PREFIX}/{{rest:path}}", no_such_control, methods=_METHODS),
            Route("/{rest:path}", call_service, methods=_METHODS),
        ],
        exception_handlers={HTTPException: control_error},
    )


def _nothing_there(call: Call) -> Answer:
    raise Refused(404, message=f"nothing at {call.path}")


def _understand(request: Request, body: object, paths: Sequence[Path]) -> tuple[Path | None, Call]:
    found, names = None, {}
    for path in paths:
        named = path.path.fullmatch(request.url.path)
        if named and path.method == request.method:
            found = path
            names = {key: unquote(value or "") for key, value in named.groupdict().items()}
            break
    call = Call(
        action=found.action if found else UNKNOWN,
        method=request.method,
        path=request.url.path,
        names=names,
        query={key.lower(): value for key, value in request.query_params.items()},
        headers=dict(request.headers),
        body=body,
    )
    if found is None:
        return None, call
    return found, replace(call, target=found.target(call))
