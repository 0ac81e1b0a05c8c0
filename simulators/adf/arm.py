"""How Azure Resource Manager speaks: paths, api-version, tokens, errors, headers."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from simulators.kit.service import Answer, Call, Refused

API_VERSION = "2018-06-01"
_FACTORY = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.DataFactory/factories/(?P<factory>[^/]+)(?P<rest>/.*)?",
    re.IGNORECASE,
)
_CHALLENGE = (
    'Bearer authorization_uri="https://login.microsoftonline.com/common", '
    'error="invalid_token", error_description="The access token is missing or invalid."'
)
_BY_STATUS = {
    400: ("BadRequest", "The request could not be understood."),
    401: ("AuthenticationFailed", "Authentication failed. The access token is missing or invalid."),
    403: (
        "AuthorizationFailed",
        "The client does not have authorization to perform this action over this scope.",
    ),
    404: ("ResourceNotFound", "The resource was not found."),
    409: ("Conflict", "Another operation is in progress on this resource."),
    429: ("TooManyRequests", "The request is being throttled."),
    500: ("InternalServerError", "An internal server error occurred."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The gateway did not receive a response in time."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A path under a factory, taken apart.

    Attributes:
        factory: The factory's resource id in its usual spelling.
        rest: The remaining path, still percent-encoded.
    """

    factory: str
    rest: str


class Arm:
    """The dialect.

    Args:
        token: Bearer token that callers must show; ``None`` lets everybody in.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token

    def error(self, refusal: Refused) -> Answer:
        """Return the error envelope of ARM."""
        code, message = _BY_STATUS.get(refusal.status, ("Error", "The request failed."))
        headers = dict(refusal.headers)
        if refusal.status == 401:
            headers.setdefault("WWW-Authenticate", _CHALLENGE)
        error = {
            "code": refusal.code or code,
            "message": refusal.message or message,
            "target": refusal.target,
            "details": None,
        }
        return Answer(refusal.status, {"error": error}, headers)

    def headers(self) -> Mapping[str, str]:
        """Return the ids that ARM gives to every answer."""
        request_id = str(uuid.uuid4())
        return {
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": request_id,
            "X-Content-Type-Options": "nosniff",
        }

    def admit(self, call: Call) -> None:
        """Check what ARM checks before it asks the service.

        Raises:
            Refused: 401 without the right token, 400 without the right api-version.
        """
        if self._token is not None and call.headers.get("authorization") != f"Bearer {self._token}":
            raise Refused(401)
        version = call.query.get("api-version")
        if version is None:
            text = "The api-version query parameter (?api-version=) is required for all requests."
            raise Refused(400, "MissingApiVersionParameter", text)
        if version != API_VERSION:
            text = f"The api-version '{version}' is not supported; use '{API_VERSION}'."
            raise Refused(400, "InvalidApiVersionParameter", text)


def place(path: str) -> Place | None:
    """Take a percent-encoded path apart; ``None`` if it is not under a factory."""
    found = _FACTORY.fullmatch(path)
    if found is None:
        return None
    subscription, group, factory = (unquote(found[n]) for n in ("subscription", "group", "factory"))
    return Place(
        factory=f"/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.DataFactory/factories/{factory}",
        rest=(found["rest"] or "").rstrip("/"),
    )


def template(text: str) -> re.Pattern[str]:
    """Compile ``/pipelines/{pipeline}/createRun``; case does not matter, as in ARM."""
    parts = re.split(r"\{(\w+)\}", text)
    fixed, names = parts[0::2], parts[1::2]
    pattern = re.escape(fixed[0])
    for name, tail in zip(names, fixed[1:], strict=True):
        pattern += f"(?P<{name}>[^/]+)" + re.escape(tail)
    return re.compile(pattern, re.IGNORECASE)
