"""What the provider shows of itself, and its controls, as one ASGI app."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.identity.controls import identity_routes
from simulators.identity.directory import Directory
from simulators.identity.model import ISSUERS, Authority
from simulators.identity.sign_in import SignIn
from simulators.kit.controls import PREFIX, control_error, control_routes
from simulators.kit.service import Answer, Call, Refused, Service, read_body
from simulators.kit.serving import Simulator, Surroundings

UNKNOWN = "unknown"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_BY_STATUS = {
    400: ("invalid_request", "AADSTS900144: The request body is malformed."),
    401: ("invalid_client", "AADSTS7000215: Invalid client secret provided."),
    403: ("access_denied", "AADSTS53003: Access has been blocked."),
    404: ("invalid_request", "AADSTS900561: The endpoint does not exist."),
    429: ("temporarily_unavailable", "AADSTS50196: Too many requests."),
    500: ("server_error", "AADSTS90014: An internal error has occurred."),
    503: ("temporarily_unavailable", "AADSTS90033: A transient error has occurred."),
}


@dataclass(frozen=True, slots=True)
class Provided:
    """What the operations work on."""

    authority: Authority
    sign_in: SignIn


@dataclass(frozen=True, slots=True)
class Operation:
    """One address of the provider."""

    action: str
    path: re.Pattern[str]
    operate: Callable[[Provided, Call], Answer]
    method: str = "GET"


def _configuration(provided: Provided, call: Call) -> Answer:
    _ = provided
    tenant, base = call.target, f"http://{call.headers.get('host', '127.0.0.1')}"
    return Answer(
        body={
            "issuer": ISSUERS[2].format(tenant=tenant),
            "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
            "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
            "end_session_endpoint": f"{base}/{tenant}/oauth2/v2.0/logout",
            "response_modes_supported": ["query", "fragment"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


def _keys(provided: Provided, call: Call) -> Answer:
    issuer = ISSUERS[2].format(tenant=call.target)
    published = provided.authority.published()
    return Answer(body={"keys": [{**key.as_jwk(), "issuer": issuer} for key in published]})


OPERATIONS = (
    Operation(
        "getConfiguration",
        re.compile(r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration"),
        _configuration,
    ),
    Operation("getKeys", re.compile(r"/(?P<tenant>[^/]+)/discovery/v2\.0/keys"), _keys),
    Operation(
        "authorize",
        re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/authorize"),
        lambda provided, call: provided.sign_in.authorize(call),
    ),
    Operation(
        "redeem",
        re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token"),
        lambda provided, call: provided.sign_in.redeem(call),
        "POST",
    ),
    Operation(
        "endSession",
        re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/logout"),
        lambda provided, call: provided.sign_in.end_session(call),
    ),
)


class Provider:
    """The dialect: errors of OAuth 2.0 (RFC 6749, section 5.2), as this provider words them."""

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope."""
        code, message = _BY_STATUS.get(refusal.status, ("server_error", "The request failed."))
        trace = str(uuid.uuid4())
        body = {
            "error": refusal.code or code,
            "error_description": f"{refusal.message or message} Trace ID: {trace}",
            "trace_id": trace,
        }
        return Answer(refusal.status, body, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return what goes with every answer; pages of single-page apps may read them."""
        return {"x-ms-request-id": str(uuid.uuid4()), "Access-Control-Allow-Origin": "*"}


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh provider, ready to be served or called in-process.

    The token of the surroundings is not asked for: public keys are public.
    """
    clock = surroundings.clock
    service, authority, directory = Service(clock, Provider()), Authority(clock), Directory(clock)
    provided = Provided(authority, SignIn(authority, directory, clock))

    def reset() -> None:
        authority.clear()
        directory.clear()

    async def call_service(request: Request) -> Response:
        operation, call = _understand(request, await read_body(request))

        def operate(call: Call) -> Answer:
            if operation is None:
                raise Refused(404)
            return operation.operate(provided, call)

        return await service.answer(call, operate)

    async def no_such_control(request: Request) -> Response:
        raise HTTPException(404, f"no control {request.method} {request.url.path}")

    app = Starlette(
        routes=[
            *control_routes(
                service,
                name="identity",
                actions=[operation.action for operation in OPERATIONS],
                reset=reset,
            ),
            *identity_routes(authority, directory),
            Route(f"{PREFIX}/{{rest:path}}", no_such_control, methods=_METHODS),
            Route("/{rest:path}", call_service, methods=_METHODS),
        ],
        exception_handlers={HTTPException: control_error},
    )
    return Simulator("identity", "Entra ID", app, service.pauses.wake_all)


def _understand(request: Request, body: object) -> tuple[Operation | None, Call]:
    path = request.url.path
    found, tenant = None, ""
    for operation in OPERATIONS:
        named = operation.path.fullmatch(path)
        if named and request.method == operation.method:
            found, tenant = operation, named["tenant"]
    call = Call(
        action=found.action if found else UNKNOWN,
        method=request.method,
        path=path,
        target=tenant,
        query={name.lower(): value for name, value in request.query_params.items()},
        headers=dict(request.headers),
        body=body,
    )
    return found, call
