"""The vault's calls and its controls, as one ASGI app."""

import re
import uuid
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.key_vault.controls import vault_routes
from simulators.key_vault.model import Vault
from simulators.kit.controls import PREFIX, control_error, control_routes
from simulators.kit.service import Answer, Call, Refused, Service, read_body
from simulators.kit.serving import Simulator, Surroundings

GET_SECRET = "getSecret"  # noqa: S105 - the name of a call
UNKNOWN = "unknown"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_SECRET = re.compile(r"/secrets/(?P<name>[^/]+)(?:/(?P<version>[^/]*))?")
# What an unauthenticated call is told: where tokens for a vault come from.
_CHALLENGE = (
    'Bearer authorization="https://login.microsoftonline.com/'
    '00000000-0000-4000-8000-0000000000aa", resource="https://vault.azure.net"'
)
_BY_STATUS = {
    400: ("BadParameter", "The request URI contains an invalid name."),
    401: ("Unauthorized", "AKV10000: Request is missing a Bearer or PoP token."),
    403: ("Forbidden", "Caller is not authorized to perform action on resource."),
    404: ("NotFound", "The specified resource was not found."),
    429: ("Throttled", "Request was not processed because too many requests were received."),
    500: ("InternalServerError", "An internal error occurred."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
}


class Speech:
    """The dialect."""

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope of the vault."""
        code, message = _BY_STATUS.get(refusal.status, ("UnknownError", "The request failed."))
        body = {"error": {"code": refusal.code or code, "message": refusal.message or message}}
        return Answer(refusal.status, body, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return what goes with every answer."""
        return {
            "x-ms-request-id": str(uuid.uuid4()),
            "x-ms-keyvault-region": "westeurope",
            "x-ms-keyvault-service-version": "1.9.2500.1",
        }


def create(surroundings: Surroundings) -> Simulator:
    """Return an empty vault, ready to be served or called in-process."""
    service, vault = Service(surroundings.clock, Speech()), Vault(surroundings.clock)

    async def call_service(request: Request) -> Response:
        call = _understand(request, await read_body(request))
        return await service.answer(call, lambda call: _operate(call, vault, surroundings.token))

    async def no_such_control(request: Request) -> Response:
        raise HTTPException(404, f"no control {request.method} {request.url.path}")

    app = Starlette(
        routes=[
            *control_routes(service, name="key-vault", actions=[GET_SECRET], reset=vault.clear),
            *vault_routes(vault),
            Route(f"{PREFIX}/{{rest:path}}", no_such_control, methods=_METHODS),
            Route("/{rest:path}", call_service, methods=_METHODS),
        ],
        exception_handlers={HTTPException: control_error},
    )
    return Simulator("key-vault", "Azure Key Vault", app, service.pauses.wake_all)


def _operate(call: Call, vault: Vault, token: str | None) -> Answer:
    scheme, _, shown = call.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or (token is not None and shown != token):
        raise Refused(401, headers={"WWW-Authenticate": _CHALLENGE})
    if "api-version" not in call.query:
        raise Refused(400, message="The api-version query parameter is required.")
    if call.action == UNKNOWN:
        raise Refused(404)
    name, number = call.target, call.names["version"]
    version = vault.find(name, number)
    if version is None:
        raise Refused(
            404,
            "SecretNotFound",
            f"A secret with (name/id) {name} was not found in this key vault. If you recently "
            "deleted this secret you may be able to recover it using the correct recovery command.",
        )
    if not version.enabled:
        raise Refused(403, message="Operation get is not allowed on a disabled secret.")
    base = f"http://{call.headers.get('host', '127.0.0.1')}"
    return Answer(
        body={
            "value": version.value,
            "id": f"{base}/secrets/{name}/{version.number}",
            "attributes": {
                "enabled": True,
                "created": version.created,
                "updated": version.created,
                "recoveryLevel": "Recoverable+Purgeable",
                "recoverableDays": 90,
            },
        }
    )


def _understand(request: Request, body: object) -> Call:
    named = _SECRET.fullmatch(request.url.path)
    known = named is not None and request.method == "GET"
    return Call(
        action=GET_SECRET if known else UNKNOWN,
        method=request.method,
        path=request.url.path,
        target=named["name"] if named else "",
        names={"version": (named["version"] or "") if named else ""},
        query={name.lower(): value for name, value in request.query_params.items()},
        headers=dict(request.headers),
        body=body,
    )
