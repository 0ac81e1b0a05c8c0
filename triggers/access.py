"""Who may call what: one table, looked at in one place, and closed to what is not in it."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import Enum
from functools import cache

import azure.functions as func

from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.identity import LOCAL, Identity, Role
from shared.security.people import bearer_token, identify
from shared.settings import settings


class Open(Enum):
    """What needs no role."""

    PUBLIC = "everybody"
    SENDER = "whoever shows the credential of the source"
    TOKEN = "whoever shows a token or signature made for this one thing"  # noqa: S105 - a sentence
    SIGNED_IN = "whoever is signed in, with a role or without"


Route = tuple[str, str]
ACCESS: Mapping[Route, Role | Open] = {
    ("GET", "health"): Open.PUBLIC,
    ("GET", "ready"): Open.PUBLIC,
    ("GET", "metrics"): Open.PUBLIC,
    ("GET", "openapi.json"): Open.PUBLIC,
    ("GET", "approve"): Open.PUBLIC,
    ("POST", "v1/tickets/webhook/{source}"): Open.SENDER,
    ("POST", "remediation-callback"): Open.TOKEN,
    ("POST", "v1/notifications/slack/actions"): Open.TOKEN,
    ("POST", "v1/approvals/by-token"): Open.TOKEN,
    ("GET", "v1/me"): Open.SIGNED_IN,  # who has no role must be able to learn that
    ("GET", "v1/tickets"): Role.VIEWER,
    ("GET", "v1/tickets/facets"): Role.VIEWER,
    ("GET", "v1/tickets/upload-csv"): Role.VIEWER,
    ("GET", "v1/tickets/{ticket_id}"): Role.VIEWER,
    ("GET", "v1/tickets/{ticket_id}/events"): Role.VIEWER,
    ("GET", "v1/approvals"): Role.VIEWER,
    ("GET", "v1/approvals/{approval_id}"): Role.VIEWER,
    ("GET", "v1/settings/execution-mode"): Role.VIEWER,
    ("GET", "v1/settings/kill-switch"): Role.VIEWER,
    ("GET", "v1/settings/policy"): Role.VIEWER,
    ("GET", "v1/settings/policy/versions"): Role.VIEWER,
    ("POST", "v1/policy/replay"): Role.VIEWER,  # it changes nothing
    ("GET", "v1/settings/inventory"): Role.VIEWER,
    ("GET", "v1/settings/generic-mapping"): Role.VIEWER,
    ("GET", "v1/intake/counts"): Role.VIEWER,
    ("GET", "v1/intake/credentials"): Role.OPERATOR,
    ("GET", "v1/intake/dead-letters"): Role.VIEWER,
    ("GET", "v1/intake/deliveries/{delivery_id}"): Role.VIEWER,
    ("GET", "v1/dashboard/stats"): Role.VIEWER,
    ("GET", "v1/connections"): Role.VIEWER,
    ("POST", "v1/negotiate"): Role.VIEWER,
    ("GET", "v1/audit"): Role.VIEWER,
    ("GET", "v1/audit/verify"): Role.VIEWER,
    ("POST", "v1/tickets"): Role.OPERATOR,
    ("POST", "v1/tickets/upload-csv"): Role.OPERATOR,
    ("PATCH", "v1/tickets/{ticket_id}"): Role.OPERATOR,
    ("POST", "v1/tickets/{ticket_id}/cancel"): Role.OPERATOR,
    ("POST", "v1/tickets/{ticket_id}/remediate"): Role.OPERATOR,
    # It changes nothing, but may ask the language model, which costs.
    ("POST", "v1/infrastructure/extract-ci"): Role.OPERATOR,
    # It changes nothing, but asks other systems.
    ("POST", "v1/connections/{name}/test"): Role.OPERATOR,
    ("POST", "v1/intake/dead-letters/{delivery_id}/redrive"): Role.OPERATOR,
    ("POST", "v1/intake/dead-letters/{delivery_id}/discard"): Role.OPERATOR,
    # To stop everything; letting it go on takes an administrator, which the handler asks for.
    ("PUT", "v1/settings/kill-switch"): Role.OPERATOR,
    ("POST", "v1/approvals/{approval_id}/decision"): Role.APPROVER,
    ("POST", "v1/approvals/{approval_id}/delegate"): Role.APPROVER,
    ("POST", "v1/approvals/{approval_id}/take-back"): Role.APPROVER,
    ("POST", "v1/approvals/decisions"): Role.APPROVER,
    ("PUT", "v1/settings/execution-mode"): Role.ADMIN,
    ("POST", "v1/settings/execution-mode"): Role.ADMIN,
    ("PUT", "v1/settings/policy"): Role.ADMIN,
    ("PUT", "v1/settings/inventory"): Role.ADMIN,
    ("PUT", "v1/settings/generic-mapping"): Role.ADMIN,
}
"""Every call of the API, by method and path below ``/api``."""

_present: ContextVar[Identity | None] = ContextVar("identity", default=None)


def present() -> Identity | None:
    """Return who asks, while a request is answered; ``None``: nobody was asked for a name."""
    return _present.get()


@contextmanager
def asking(identity: Identity | None) -> Iterator[None]:
    """Let :func:`present` answer ``identity`` for as long as this lasts."""
    before = _present.set(identity)
    try:
        yield
    finally:
        _present.reset(before)


async def admit(handler: Callable[..., object], req: func.HttpRequest) -> Identity | None:
    """Return who asks; ``None`` where nobody needs to say.

    Raises:
        Unauthenticated: a name is needed and no token shown, or one that is not good.
        Forbidden: the role is missing, or nothing says who may do it.
        Unavailable: the issuer's keys cannot be read.
    """
    needed = ACCESS.get((_method(req), route_of(handler)))
    if needed is None:
        raise Forbidden("nobody may do this: no rule says who")
    if needed in {Open.PUBLIC, Open.SENDER}:
        return None
    identity = await _identity(req)
    if needed is Open.TOKEN:
        return identity
    if identity is None:
        raise Unauthenticated
    if isinstance(needed, Role):
        identity.require(needed)
    return identity


async def _identity(req: func.HttpRequest) -> Identity | None:
    chosen = settings()
    if chosen.mend_auth == "off":
        return LOCAL
    token = bearer_token(req.headers)
    if token is None:
        return None
    return await identify(token, chosen.accepted_tokens, datetime.now(UTC))


def needs_sign_in(route: Route) -> bool:
    """Tell whether nobody gets an answer to this without a token, where tokens are looked at."""
    needed = ACCESS.get(route)
    return isinstance(needed, Role) or needed is Open.SIGNED_IN


def shows_token(req: func.HttpRequest) -> bool:
    """Tell whether the request carries a token, good or not, where tokens are looked at."""
    return bool(bearer_token(req.headers)) and settings().mend_auth == "jwt"


def _method(req: func.HttpRequest) -> str:
    # The host hands HEAD to what answers GET.
    return "GET" if req.method == "HEAD" else str(req.method)


def route_of(handler: Callable[..., object]) -> str:
    """Return the path that ``handler`` is registered for in its own module; empty: for none."""
    return _routes(handler.__module__).get(handler.__name__, "")


@cache
def _routes(module: str) -> Mapping[str, str]:
    # As registered, not as the address was written: the host takes several spellings for one.
    found = {}
    for builder in sys.modules[module].bp._function_builders:  # noqa: SLF001 - it tells nobody else
        function = builder._function  # noqa: SLF001 - the same
        trigger = function.get_trigger()
        if trigger is not None and trigger.type == "httpTrigger":
            found[function.get_function_name()] = str(trigger.route)
    return found
