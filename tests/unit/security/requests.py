"""Requests as each kind of sender makes them."""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from shared.security.credentials import Credential, parse_credentials

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
BODY = b'{"run": {"run_id": 123}, "job": {"name": "load_orders"}}'
KEY = "a plain text key of an hmac"
OTHER_KEY = "the key that came after it"

Headers = dict[str, str]


def credentials(given: str) -> tuple[Credential, ...]:
    """Read the credentials of one source."""
    return parse_credentials(f'{{"source": {given}}}')["source"]


def hmac_credentials(style: str, key: str = KEY) -> tuple[Credential, ...]:
    """One key of one style."""
    return credentials(f'{{"type": "hmac", "style": "{style}", "secret": "{key}"}}')


def basic(user: str, password: str) -> Headers:
    """RFC 7617."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def standard(
    body: bytes = BODY, *, key: bytes = KEY.encode(), stamp: str = str(SECONDS), name: str = "msg_1"
) -> Headers:
    """Standard Webhooks 1.0."""
    signed = f"{name}.{stamp}.".encode() + body
    digest = hmac.new(key, signed, sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def github(body: bytes = BODY, *, key: bytes = KEY.encode()) -> Headers:
    """GitHub."""
    return {
        "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, sha256).hexdigest(),
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }


def timestamped(
    body: bytes = BODY, *, key: bytes = KEY.encode(), stamp: str = str(SECONDS)
) -> Headers:
    """Our own scheme."""
    digest = hmac.new(key, f"{stamp}.".encode() + body, sha256).hexdigest()
    return {"X-Mend-Timestamp": stamp, "X-Mend-Signature": f"sha256={digest}"}


def without(headers: Mapping[str, str], name: str) -> Headers:
    """All headers but one."""
    return {key: value for key, value in headers.items() if key != name}
