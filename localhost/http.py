"""HTTP triggers: routes, requests in, responses out.

A request becomes ``func.HttpRequest``; what the function returns becomes the answer:
``func.HttpResponse`` as it is, ``str`` as text, ``None`` as 204. An exception is logged
and answered with an empty 500, as the real host does.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

import azure.functions as func
from azure.functions.http import HttpRequest
from starlette.requests import Request
from starlette.responses import Response

from localhost.functions import HttpFunction
from localhost.invoke import Invoker
from localhost.routes import BadTemplate, Route, Template

log = logging.getLogger(__name__)

# The real host's limit for a request body.
MAX_BODY_BYTES = 100 * 1024 * 1024

Endpoint = Callable[[Request, dict[str, str]], Awaitable[Response]]


class TooLarge(Exception):
    """The request body exceeds :data:`MAX_BODY_BYTES`."""


async def read_body(request: Request) -> bytes:
    """Return the whole body.

    Raises:
        TooLarge: it has more than :data:`MAX_BODY_BYTES`.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise TooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def url_of(request: Request) -> str:
    """Return the URL as it was asked for: still percent-encoded, unlike Starlette's."""
    scope = request.scope
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    suffix = f"?{query.decode('latin-1')}" if query else ""
    path = raw.partition(b"?")[0].decode("latin-1")
    return f"{scope['scheme']}://{request.headers.get('host', '')}{path}{suffix}"


def function_routes(
    functions: list[HttpFunction],
    invoker: Invoker,
    prefix: str,
    custom_headers: Mapping[str, str],
) -> list[tuple[HttpFunction, Route[Endpoint]]]:
    """Return a route below ``prefix`` for every HTTP function.

    Raises:
        BadTemplate: a route cannot be parsed.
    """
    routes = []
    for function in functions:
        path = "/".join(part for part in (prefix, function.route.lstrip("/")) if part)
        try:
            template = Template(path)
        except BadTemplate as error:
            raise BadTemplate(f"function {function.function.name!r}: {error}") from error
        endpoint = _endpoint(function, invoker, custom_headers)
        routes.append((function, Route(template, function.methods, endpoint)))
    return routes


def _endpoint(
    function: HttpFunction, invoker: Invoker, custom_headers: Mapping[str, str]
) -> Endpoint:
    async def endpoint(request: Request, parameters: dict[str, str]) -> Response:
        body = await read_body(request)
        try:
            result = await invoker.call(function.function, _to_function(request, parameters, body))
            response = _to_client(result)
        except Exception:
            log.exception("function %r failed", function.function.name)
            response = Response(status_code=500)
        for name, value in custom_headers.items():
            response.headers.setdefault(name, value)
        return response

    return endpoint


def _to_function(request: Request, parameters: dict[str, str], body: bytes) -> HttpRequest:
    return HttpRequest(
        request.method,
        url_of(request),
        headers=_joined(request.headers.items()),
        params=_joined(request.query_params.multi_items()),
        route_params=parameters,
        body_type="bytes",
        body=body,
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return one value per name, repeated ones joined as .NET's StringValues does."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {
        name: ("; " if name.lower() == "cookie" else ",").join(several)
        for name, several in values.items()
    }


def _to_client(result: object) -> Response:
    if result is None:
        return Response(status_code=204)
    if isinstance(result, str):
        return Response(result, media_type="text/plain")
    if not isinstance(result, func.HttpResponse):
        raise TypeError(
            f"an HTTP function must return func.HttpResponse, str or None, not "
            f"{type(result).__name__}"
        )
    response = Response(result.get_body(), result.status_code)
    for name, value in result.headers.items():
        if name.lower() != "content-length":
            response.headers.append(name, value)
    if "content-type" not in response.headers:
        is_text = result.mimetype.startswith("text/")
        suffix = f"; charset={result.charset}" if is_text else ""
        response.headers["content-type"] = f"{result.mimetype}{suffix}"
    return response
