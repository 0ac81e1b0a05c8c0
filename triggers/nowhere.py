"""Whatever no other route answers: a path that is not there, or a method that it does not have.

A Functions host would answer both with an empty 404; callers get a problem document instead.
"""

import re
from functools import cache

import azure.durable_functions as df
import azure.functions as func

from shared.domain.errors import MethodNotAllowed, NotFound
from triggers.access import ACCESS
from triggers.problems import problem

bp = df.Blueprint()

ROUTE = "{*path}"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@bp.route(route=ROUTE, methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
async def nowhere(req: func.HttpRequest) -> func.HttpResponse:
    """Answer 404; 405 where another method would do; OPTIONS says which."""
    allowed = allowed_at(str(req.route_params.get("path") or ""))
    if not allowed or req.method in allowed:  # the latter: the other one of two apps has it
        return problem(NotFound("there is no such path; GET /api/openapi.json lists all there are"))
    headers = {"Allow": ", ".join(sorted(allowed))}
    if req.method == "OPTIONS":
        return func.HttpResponse(status_code=204, headers=headers)
    refused = MethodNotAllowed(f"{req.method} is not for this path; use {headers['Allow']}")
    return problem(refused, headers)


def allowed_at(path: str) -> frozenset[str]:
    """Return the methods that ``path``, below ``/api``, has; none: it is not there."""
    asked = path.strip("/")
    return frozenset(
        method for method, route in ACCESS if _pattern(route).fullmatch(asked) is not None
    )


@cache
def _pattern(route: str) -> re.Pattern[str]:
    parts = ("[^/]+" if part.startswith("{") else re.escape(part) for part in route.split("/"))
    return re.compile("/".join(parts), re.IGNORECASE)
