"""Asks for keys in front of endpoints, when the host runs with ``--auth``."""

from starlette.requests import Request
from starlette.responses import Response

from localhost.front import Endpoint
from localhost.keys import Keys
from localhost.routes import Route


class Guard:
    """Lets requests through that show a good key; all of them when there are no keys."""

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys

    def protect(self, route: Route[Endpoint], level: str, function: str = "") -> Route[Endpoint]:
        """Return ``route`` behind the check for ``level`` (see :mod:`localhost.keys`)."""
        keys = self._keys
        if keys is None or level == "anonymous":
            return route

        async def checked(request: Request, parameters: dict[str, str]) -> Response:
            if not keys.allows(request, level, function):
                return Response(status_code=401)
            return await route.endpoint(request, parameters)

        return Route(route.template, route.methods, checked)
